/** The configurations of the labs are valid, and the difference between their variants is what it is said to be. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { validateText } from '../../src/config/load-bootstrap.ts';
import { configDifference, configText } from '../../src/lab/config-text.ts';
import type { Variant } from '../../src/lab/lab.ts';
import { LABS } from '../../src/lab/labs.ts';
import { CONFIG_CHECKS } from '../../src/server/config-checks.ts';

const VARIANTS: readonly Variant[] = ['broken', 'fixed'];
const PLACES = { logFile: '/tmp/access.log', servicePort: 8080 };

describe('the configuration of each lab', () => {
  for (const lab of LABS) {
    test(`${lab.name} is valid in both variants`, () => {
      for (const variant of VARIANTS) {
        // Only the check of modules opens files, and those of a lab are not written yet.
        const text = configText(lab.config(variant), PLACES);
        const result = validateText({ text, file: lab.name }, { checks: CONFIG_CHECKS });
        const issues = result.ok ? [] : result.issues.filter(({ message }) => !message.includes('audit.js'));
        assert.deepEqual(issues, []);
      }
    });

    test(`${lab.name} differs from its remedy, in the configuration or in a peer`, () => {
      const difference = configDifference(lab.config('broken'), lab.config('fixed'));
      assert.ok(difference.length > 0 || lab.behaviour !== undefined);
    });
  }
});

test('the difference has removed lines first, without the indentation that they share', () => {
  const broken = { cluster: 'per_connection_buffer_limit_bytes: 1' };
  const fixed = { cluster: 'per_connection_buffer_limit_bytes: 2\nlb_policy: RANDOM' };
  assert.deepEqual(configDifference(broken, fixed), [
    '- per_connection_buffer_limit_bytes: 1',
    '+ per_connection_buffer_limit_bytes: 2',
    '+ lb_policy: RANDOM',
  ]);
});

test('the same configuration has no difference', () => {
  assert.deepEqual(configDifference({}, {}), []);
});
