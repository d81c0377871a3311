/** The environment of commands: small, and without the secrets of the router's own. */

type Environment = Readonly<Record<string, string | undefined>>

const PASSED = /^(?:PATH|HOME|LANG|LC_[A-Z_]+|TZ|USER|LOGNAME|SHELL|TMPDIR|PATRONI_ROUTER_\w+)$/
/** Where the router has none: without it a shell finds what it has been compiled with, a list nothing. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What every command gets of the router's environment. `PATRONI_*` holds passwords and stays here, as does all that is
 * meant for the router alone (`NOTIFY_SOCKET`, `NODE_OPTIONS`).
 */
export function commandEnvironment(env: Environment): Record<string, string> {
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && PASSED.test(name) ? [[name, value] as const] : [],
  )
  return { PATH, ...Object.fromEntries(passed) }
}
