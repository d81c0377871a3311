import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceManager } from '../../../src/systemd/environment.ts'

const SOCKET = '/run/systemd/notify'

test('there is no service manager without a socket', () => {
  assert.equal(serviceManager({}, 7), null)
  assert.equal(serviceManager({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '30000000' }, 7), null)
})

test('signs of life are expected by WatchdogSec, of the process that it is for', () => {
  const cases = [
    [{}, null, null],
    [{ WATCHDOG_USEC: '30000000' }, 30_000, null],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 30_000, null],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, null, '8'],
    [{ WATCHDOG_USEC: '1500', WATCHDOG_PID: '' }, 1.5, null],
    [{ WATCHDOG_USEC: '0' }, null, null],
    [{ WATCHDOG_USEC: 'soon' }, null, null],
    [{ WATCHDOG_PID: '8' }, null, null],
  ] as const
  for (const [env, watchdogMs, watchdogOf] of cases)
    assert.deepEqual(serviceManager({ NOTIFY_SOCKET: SOCKET, ...env }, 7), { socket: SOCKET, watchdogMs, watchdogOf })
})
