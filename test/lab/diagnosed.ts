/**
 * What every lab promises, as tests: the diagnosis of its log names the cause first, and after the remedy not at all. Labs of a file run
 * a few at a time; each has a proxy of its own, and what it does on purpose is far above what they do to each other.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Report } from '../../src/diagnose/report.ts';
import type { Lab, Part } from '../../src/lab/lab.ts';
import { findingName } from '../../src/lab/lab-text.ts';
import { LABS } from '../../src/lab/labs.ts';
import { runLab } from '../../src/lab/run-lab.ts';
import type { LabOutcome } from '../../src/lab/run-lab.ts';

const AT_ONCE = 2;

export function checkLabs(parts: readonly Part[]): void {
  describe(`the labs of ${parts.join(', ')}`, { concurrency: AT_ONCE }, () => {
    for (const lab of LABS.filter(({ part }) => parts.includes(part))) {
      test(`${lab.name}: ${nameOf(lab)} is named first`, async () => {
        const outcome = await runLab(lab, { variant: 'broken', seconds: 0, keep: false });
        const [first] = outcome.report.findings;
        assert.equal(
          first === undefined ? 'nothing' : findingName(first),
          nameOf(lab, first?.subject),
          told(outcome),
        );
        assert.ok(outcome.asExpected);
        checkLines(lab, outcome);
      });

      test(`${lab.name} with its remedy: ${lab.expects.cause} is not named`, async () => {
        const outcome = await runLab(lab, { variant: 'fixed', seconds: 0, keep: false });
        const named = outcome.report.findings.map(({ cause }) => cause);
        assert.ok(!named.includes(lab.expects.cause), told(outcome));
        assert.ok(outcome.asExpected);
        assert.equal(outcome.report.unreadable.length, 0, told(outcome));
      });
    }
  });
}

/** Without a subject of its own, whatever was found will do. */
function nameOf({ expects }: Lab, found?: string): string {
  return findingName({ cause: expects.cause, subject: expects.subject ?? found ?? '' });
}

/** The lab shows what it says it shows. */
function checkLines(lab: Lab, { result, report }: LabOutcome): void {
  assert.ok(
    result.lines.some((line) => lab.lines.some((pattern) => pattern.test(line))),
    'no line that matters',
  );
  assert.equal(report.requests, result.lines.length);
  assert.equal(report.unreadable.length, 0);
  const { applicationLog: pattern } = lab;
  if (pattern !== undefined) assert.ok(result.applicationLines.some((line) => pattern.test(line)));
}

function told({ report, result }: LabOutcome): string {
  return `${findingsOf(report)}\n${result.lines.join('\n')}`;
}

function findingsOf({ findings, slowFromUs, slowRequests, requests }: Report): string {
  const lines = findings.map(
    (finding) =>
      `${findingName(finding)}: ${finding.requests} requests, ${finding.slowRequests} slow, ${Math.round(finding.explainedUs / 1000)} ms, ${finding.evidence[0]?.reading ?? ''}`,
  );
  return [`${requests} requests, ${slowRequests} slow from ${slowFromUs} us`, ...lines].join('\n');
}
