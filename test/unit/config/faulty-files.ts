/** A configuration with something of everything, and single faults in it. */

/** Returns a valid file. `dir`: where it is, and where everything that it writes goes. */
export function soundFile(dir: string): string {
  return `scope: demo
namespace: service
name: pg1
etcd3:
  hosts: ['127.0.0.1:1']
  protocol: http
ctl:
  insecure: false
state_dir: ${dir}/state
proxy:
  listeners:
    rw: {bind: '127.0.0.1:0', route: primary}
    ro: {bind: '127.0.0.1:0', route: replica, max_lag: 16MB}
    all: {bind: ${dir}/all.sock, route: any}
  check: {interval: 2s, fast_interval: 100ms}
  hold: {timeout: 45s, refuse_tls: answer}
  timeouts: {connect: 4s}
  max_connections: 100
  drain_timeout: 1s
templates:
  - source: a.hbs
    destination: ${dir}/a.cfg
    mode: '0640'
    check: cat {{staged}}
    debounce: {min: 200ms, max: 2s}
  - source: a.hbs
    destination: ${dir}/b.cfg
    on_empty: keep
hooks:
  - name: told
    on: open
    command: exit 0
  - name: after
    on: [open, none]
    after: ${dir}/a.cfg
    command: exit 0
track:
  files:
    - path: ${dir}/leader.track
      when: local-leader
admin: {socket: ${dir}/admin.sock, mode: '0600', bind: off}
logging: {level: info, format: json}
`
}

export interface Fault {
  readonly title: string
  /** What is replaced, in the first place where it is, and by what. */
  readonly edit: readonly [from: string, to: string]
  /** How the problem begins, behind the file: `12:10: proxy.listeners.rw.bind: `. */
  readonly problem: string
}

function fault(title: string, from: string, to: string, problem: string): Fault {
  return { title, edit: [from, to], problem }
}

export const FAULTS: readonly Fault[] = [
  fault('a quote that is not closed', "'127.0.0.1:1'", "'127.0.0.1:1", '5:24: '),
  fault('a tab', '  hosts:', '\thosts:', '5:1: '),
  fault('a colon without a space', 'scope: demo', 'scope:demo', '1:1: '),
  fault('a line that is indented too far', '  protocol:', '    protocol:', '6:1: '),
  fault('a list where a mapping should be', 'scope: demo\n', '- scope\n', '2:1: '),
  fault('a section that there is not', 'namespace: service', 'namespaces: service', '2:1: namespaces: '),
  fault('a section twice', 'logging: {level', 'admin: {level', '42:1: admin: is written twice'),
  fault('no scope', 'scope: demo\n', '', ' scope: is required'),
  fault('no address of the DCS', "['127.0.0.1:1']", '[]', '5:3: etcd3.hosts: '),
  fault('an address of the DCS that is none', '127.0.0.1:1', '127.0.0.1:port', '5:11: etcd3.hosts.0: '),
  fault('a protocol that there is not', 'protocol: http', 'protocol: ftp', '6:3: etcd3.protocol: '),
  fault('text for true or false', 'insecure: false', 'insecure: "no"', '8:3: ctl.insecure: '),
  fault('a relative directory', 'state_dir: /', 'state_dir: ./', '9:1: state_dir: '),
  fault(
    'an address without a port',
    "rw: {bind: '127.0.0.1:0'",
    'rw: {bind: 127.0.0.1',
    '12:10: proxy.listeners.rw.bind: ',
  ),
  fault('a port out of range', "rw: {bind: '127.0.0.1:0'", "rw: {bind: ':65536'", '12:10: proxy.listeners.rw.bind: '),
  fault('a route that there is not', 'route: primary', 'route: leader', '12:31: proxy.listeners.rw.route: '),
  fault('a route without members', 'route: primary', 'route: ', '12:31: proxy.listeners.rw.route: '),
  fault('a key that there is not', 'max_lag: 16MB', 'max_leg: 16MB', '13:47: proxy.listeners.ro.max_leg: unknown key'),
  fault('a size with another unit', '16MB', '16M', '13:47: proxy.listeners.ro.max_lag: '),
  fault('a lag of the primary', 'route: replica', 'route: primary', '13:47: proxy.listeners.ro.max_lag: '),
  fault('a name that is none', '    all:', '    a b:', '14:5: proxy.listeners.(not a plain name): '),
  fault('a cluster that there is not', 'route: any', 'route: any, cluster: other', '14:'),
  fault('a duration without a unit', 'interval: 2s', 'interval: 2', '15:11: proxy.check.interval: '),
  fault('a pace that does not fit', 'fast_interval: 100ms', 'fast_interval: 3s', '15:25: proxy.check.fast_interval: '),
  fault('a duration that is none', 'timeout: 45s', 'timeout: long', '16:10: proxy.hold.timeout: '),
  fault('a choice that there is not', 'refuse_tls: answer', 'refuse_tls: maybe', '16:24: proxy.hold.refuse_tls: '),
  fault('zero where there is a minimum', 'connect: 4s', 'connect: 0', '17:14: proxy.timeouts.connect: '),
  fault('a number below its minimum', 'max_connections: 100', 'max_connections: -1', '18:3: proxy.max_connections: '),
  fault('a duration that is too long', 'drain_timeout: 1s', 'drain_timeout: 1000h', '19:3: proxy.drain_timeout: '),
  fault('no source', '  - source: a.hbs\n    destination', '  - destination', '21:5: templates.0.source: is required'),
  fault('two templates for one file', '/b.cfg', '/a.cfg', '27:5: templates.1.destination: '),
  fault('permissions that are none', "mode: '0640'", "mode: '0888'", '23:5: templates.0.mode: '),
  fault('a placeholder that there is not', '{{staged}}', '{{stagd}}', '24:5: templates.0.check: '),
  fault('a minimum above its maximum', 'min: 200ms', 'min: 20s', '25:16: templates.0.debounce.min: '),
  fault('a state that there is not', 'on: open', 'on: opened', '31:5: hooks.0.on: '),
  fault('a name that is there already', 'name: after', 'name: told', '33:5: hooks.1.name: '),
  fault('a hook that waits for nothing', '    after: /', '    after: /no', '35:5: hooks.1.after: '),
  fault('a condition that there is not', 'when: local-leader', 'when: leading', '40:7: track.files.0.when: '),
  fault('a socket that every user can open', "mode: '0600'", "mode: '0666'", '41:'),
  fault('a level that there is not', 'level: info', 'level: loud', '42:11: logging.level: '),
]

/** Returns the file with one fault. */
export function withFault(text: string, { edit: [from, to] }: Fault): string {
  if (!text.includes(from)) throw new Error(`there is no ${from}`)
  return text.replace(from, () => to)
}
