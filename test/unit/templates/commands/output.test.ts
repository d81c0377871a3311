/** What is kept of the output of a command, and the line of it that is shown when the command has failed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Output, OUTPUT_BYTES, reasonLineOf } from '../../../../src/templates/commands/output.ts'

const of = (...chunks: readonly (string | Buffer)[]): string => {
  const output = new Output()
  const write = output.stream()
  for (const chunk of chunks) write(Buffer.from(chunk))
  return output.toString()
}

describe('the output that is kept', () => {
  test('has both streams in the order in which they came, and characters that came in pieces', () => {
    const output = new Output()
    const [out, err] = [output.stream(), output.stream()]
    const euro = Buffer.from('€')
    out(Buffer.from('1 '))
    err(Buffer.from('2 '))
    out(euro.subarray(0, 1))
    err(Buffer.from('3 '))
    out(euro.subarray(1))
    assert.equal(output.toString(), '1 2 3 €')
  })

  test('is fit to be shown, line by line', () => {
    const cases: readonly (readonly [string | Buffer, string])[] = [
      ['a\r\nb\n\n', 'a\nb'],
      ['\x1b[31mred\x1b[0m', 'red'],
      ['\ta', '    a'],
      ['a\x07\u202eb\u2028c', 'a\ufffd\ufffdb\ufffdc'],
      [Buffer.from([0x61, 0xff, 0x62]), 'a\ufffdb'],
    ]
    for (const [text, shown] of cases) assert.equal(of(text), shown)
  })

  test('is the end, of whole characters, of however much there is', () => {
    const text = of(...Array.from({ length: 1000 }, () => '€'.repeat(1000)), 'end')
    assert.ok(Buffer.byteLength(text) <= OUTPUT_BYTES && Buffer.byteLength(text) > OUTPUT_BYTES - 4)
    assert.match(text, /^€+end$/)
    assert.ok(Buffer.byteLength(of('\x01'.repeat(OUTPUT_BYTES))) <= OUTPUT_BYTES)
  })

  test('is as much of it where every word is in colour, and nothing of the colours', () => {
    const words = Array.from({ length: 4000 }, (_item, index) => `w${index}`)
    const text = of(...words.map((word) => `\x1b[1;31m${word}\x1b[0m\n`))
    assert.equal(text, words.join('\n').slice(1 - OUTPUT_BYTES))
  })
})

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
