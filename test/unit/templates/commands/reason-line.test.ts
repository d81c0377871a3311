/** Of the output of a command that failed, one line is shown: the one that says why. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonLineOf } from '../../../../src/templates/commands/reason-line.ts'

const ROWS: readonly (readonly [what: string, output: string, line: string])[] = [
  [
    'HAProxy',
    `[NOTICE]   (271) : haproxy version is 2.6.12-1+deb12u4
[NOTICE]   (271) : path to executable is /usr/sbin/haproxy
[WARNING]  (271) : config : 'option httplog' not usable with proxy 'a' (needs 'mode http').
[ALERT]    (271) : config : [/etc/h.cfg:5] : character '@' is not permitted in server name 'c@east'.
[ALERT]    (271) : config : Error(s) found in configuration file : /etc/h.cfg
[ALERT]    (271) : config : Fatal errors found in configuration.`,
    "[ALERT]    (271) : config : [/etc/h.cfg:5] : character '@' is not permitted in server name 'c@east'.",
  ],
  [
    'nginx',
    `nginx: [warn] the "user" directive makes sense only if the master process runs with super-user privileges
nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:5
nginx: configuration file /etc/nginx/nginx.conf test failed`,
    'nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:5',
  ],
  [
    'systemctl',
    `Job for haproxy.service failed because the control process exited with error code.
See "systemctl status haproxy.service" and "journalctl -xeu haproxy.service" for details.`,
    'Job for haproxy.service failed because the control process exited with error code.',
  ],
  ['a shell', 'one\nsh: 1: haproxi: not found', 'sh: 1: haproxi: not found'],
  ['a command that names no error', 'begun\nport 5000 is taken\n', 'port 5000 is taken'],
  ['a command that wrote nothing', '\n', ''],
]
for (const [what, output, line] of ROWS) {
  test(`of ${what}: ${line}`, () => assert.equal(reasonLineOf(output), line))
}
