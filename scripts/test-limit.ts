/** Loaded into each process of tests: ends one that keeps running, so that the run ends and shows what has failed. */

/** More than any file takes. Milliseconds. */
const LIMIT_MS = 600_000

setTimeout(() => {
  const open = process.getActiveResourcesInfo().join(', ')
  console.error(
    `${process.argv.slice(1).join(' ')}: still running after ${LIMIT_MS / 60_000} minutes, with open: ${open}`,
  )
  process.exit(1)
}, LIMIT_MS).unref()
