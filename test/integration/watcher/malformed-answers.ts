/** What is no answer of Patroni: of another program, cut off, or not meant to be understood. */
import { gzipSync } from 'node:zlib'
import { type Instead, SYSTEM_ID } from './fake-member.ts'

const ok = (body: string): string => `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

const PATRONI = `{"state":"running","role":"primary","timeline":1,"xlog":{"location":100},\
"database_system_identifier":"${SYSTEM_ID}","patroni":{"version":"4.1.4","scope":"demo","name":"pg0"}}`
/** An explicit *no*, where it is the whole answer. */
const NO = PATRONI.replace('primary', 'replica').replace('location', 'replayed_location')

export const MALFORMED: Readonly<Record<string, Instead>> = {
  'an empty body': ok(''),
  'a body that is cut off': ok(PATRONI.slice(0, 100)),
  'a page': ok('<html>Welcome to nginx!</html>'),
  'JSON of something else': ok('{"status":"UP","members":[]}'),
  'JSON of something else with a list of numbers': ok('{"status":"UP","members":[1,2],"patroni":null}'),
  'a list': ok(`[${PATRONI}]`),
  null: ok('null'),
  'a number': ok('42'),
  'a text': ok('"OK"'),
  'Python instead of JSON': ok(NO.replaceAll('"', "'")),
  'two documents': ok(`${NO}${NO}`),
  'a byte order mark': ok(`\ufeff${NO}`),
  'a body that is shorter than announced': `HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n${NO}`,
  'a body that is longer than announced': `HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n${NO}`,
  'a length below zero': `HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n${NO}`,
  'two lengths': `HTTP/1.1 200 OK\r\nContent-Length: 20\r\nContent-Length: ${NO.length}\r\n\r\n${NO}`,
  'chunks that are cut off': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(NO)}`,
  'chunks that are cut off in the middle': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(NO).slice(0, 80)}`,
  'chunks of no size': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${NO}\r\n0\r\n\r\n`,
  'compressed, and nobody has asked for that': Buffer.concat([
    Buffer.from('HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n'),
    gzipSync(NO),
  ]),
  'a body without end': ok(`{"a":"${'x'.repeat(400_000)}"`),
  'a body of 10 MB': ok(`${NO.slice(0, -1)},"a":"${'x'.repeat(10_000_000)}"}`),
  'a body that drips': (socket) => drip(socket, ok(NO.slice(0, -1)), ' '),
  'a head that drips': (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX-A: ', 'a'),
  'a head without end': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}`,
  'a body that is nested without end': ok('{"patroni":'.repeat(20_000)),
  'a name that is not UTF-8': Buffer.from(ok(PATRONI.replace('pg0', 'p\xff')), 'latin1'),
  'no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n',
  'HTTP/0.9': NO,
  'an alert of TLS': Buffer.from([0x15, 3, 3, 0, 2, 2, 0x46]),
  'zero bytes': Buffer.alloc(1000),
  nothing: '',
  'a connection that is reset': (socket) => socket.resetAndDestroy(),
  'the promise of an answer': 'HTTP/1.1 100 Continue\r\n\r\n',
  'hints without an answer': (socket) => void socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
  'another protocol': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
  'no content': 'HTTP/1.1 204 No Content\r\n\r\n',
  "no content with Patroni's body": `HTTP/1.1 204 No Content\r\n\r\n${NO}`,
  'a redirect': 'HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n',
  "a redirect with Patroni's body": `HTTP/1.0 301 Moved Permanently\r\nLocation: /\r\n\r\n${NO}`,
  'a question for a password': 'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a"\r\n\r\n{"a":1}',
  'not found': `HTTP/1.0 404 Not Found\r\n\r\n${NO}`,
  'a fault': 'HTTP/1.0 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<h1>Traceback</h1>',
  'a 503 of a load balancer': 'HTTP/1.0 503 Service Unavailable\r\n\r\nno healthy upstream',
  'a 503 that is cut off': `HTTP/1.0 503 Service Unavailable\r\nContent-Length: ${NO.length}\r\n\r\n${NO.slice(0, 99)}`,
  "a 502 with Patroni's body": `HTTP/1.0 502 Bad Gateway\r\n\r\n${NO}`,
  'a status of no meaning': `HTTP/1.0 999 What\r\n\r\n${NO}`,
  'two answers in one': `HTTP/1.0 200 OK\r\n\r\n${NO}HTTP/1.0 503 Service Unavailable\r\n\r\n${NO}`,
  'an answer to somebody else before it': `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 503 No\r\n\r\n${NO}`,
}

/** Byte for byte, for as long as somebody listens. */
function drip(
  socket: { write: (text: string) => boolean; once: (event: 'close', fn: () => void) => unknown },
  head: string,
  byte: string,
): void {
  socket.write(head)
  const timer = setInterval(() => socket.write(byte), 20)
  socket.once('close', () => clearInterval(timer))
}
