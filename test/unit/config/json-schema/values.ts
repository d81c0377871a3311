/** Values that a person may write, right at one key and wrong at another. */

const WORDS: readonly unknown[] = [
  ...['', ' ', 'x', 'one', 'x y', 'no such', 'all', 'any', 'open', 'none', 'primary', 'replica', 'Primary', 'sync'],
  ...['roundrobin', 'leastconn', 'conn_url', 'dcs', 'proof', 'answer', 'info', 'text', 'keep', 'https', 'a'.repeat(65)],
]
const NUMBERS: readonly unknown[] = [
  ...[null, true, false, 0, 1, 5, 416, 640, -1, 1.5, 1e300, '0', '3', '5000', '12345678901234567890'],
]
const UNITS: readonly unknown[] = [
  ...['0s', '0.0s', '3s', ' 3s ', '3 s', '3x', '1m30s', '1h1m1s1ms', '30s1m', '500ms', '1.5s', '1.5ms', '0.0001s'],
  ...['9999h', '16MB', '16 MB', '16mb', '16MiB', '1B'],
]
const PATHS: readonly unknown[] = [
  ...['/', '/a', '/a/', 'x/y', 'a/..', '/a/..', '/a\nb', `/a/${'b'.repeat(201)}`, `/${'b'.repeat(120)}`],
  ...['0644', '644', '0o644', '0999', 'a\0b'],
]
const ADDRESSES: readonly unknown[] = [
  ...['a:1', 'a:1,b:2', 'a:1,', ':5000', '*:5000', '*:99999', 'unix@/run/a', 'unix@run', '[::1]:5000', '[::1]', '::1'],
  ...['::1:5000', '300.1.1.1:5000', '10.0.0.1:1', '10.0.0.1', '1.2:3', 'a b:1', 'a;b', 'a:0', 'a:65536', 'http://a'],
  ...['http://a:1', 'HTTPS://a:1/', 'http://u@a:1', 'http://u:p@a:1', 'http://u:@a:1', 'http://a:1/x', 'ftp://a:1'],
  ...['http://a:1/patroni', 'http://a:1/cluster?x', 'http://[::1]:1', 'http://::1:1', 'http://u:p/w@a'],
]
const COMMANDS: readonly unknown[] = [
  ...['a{{staged}}', '{{staged}}', '{{ destination }}', '{{{staged}}', '{{{{staged}}', '{{src}}', '{a}', 'a{{'],
]
const LISTS: readonly unknown[] = [
  ...[[], ['a'], ['x', 'x'], [''], [' ', 'a'], ['a', ''], [1], [null], [['a']], ['a:1', 'b:2'], ['a:1,b:2']],
  ...[
    ['*:5000', '*:5001'],
    ['http://a:1', 'http://b:1'],
    ['open', 'none'],
    ['open', 'nowhere'],
    ['a', '{{x}}'],
  ],
  ...[{}, { a: 1 }, { a: 'b' }, { a: null }, { a: [1] }, { 'a-b': 'c' }, { PATRONI_ROUTER_X: 'a' }],
  ...[{ one: null }, { one: {} }, { one: 5 }, { 5: {} }],
]

export const VALUES: readonly unknown[] = [WORDS, NUMBERS, UNITS, PATHS, ADDRESSES, COMMANDS, LISTS].flat()
/** One of each type, for keys whose form another key has as well. */
export const FEW: readonly unknown[] = [null, true, 5, -1, 'x y', '3s', '/a', [], [1], { a: [1] }]
