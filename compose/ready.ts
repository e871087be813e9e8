/**
 * The health check of a container, since its image has no curl: exit code 0 where the address in the first argument answers 200.
 * A proxy's /ready does so when it is LIVE, that is when all of its workers accept.
 */
/** Below the 5 s that the check may take (`docker-compose.yml`). */
const MOST_MS = 4000;

const [, , url = ''] = process.argv;
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(MOST_MS) });
  const text = (await answer.text()).trim();
  console.log(`${answer.status} ${text}`);
  process.exitCode = answer.status === 200 ? 0 : 1;
} catch (error) {
  console.error(`${url}: ${String(error)}`);
  process.exitCode = 1;
}
