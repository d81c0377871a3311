/** Certificate files that are replaced, well or badly, while they are in use. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { RouterError } from '../../../src/errors.ts'
import { Certificates } from '../../../src/watcher/tls/certificates.ts'
import { CertificateAuthority, type CertificatePair, replaceFile } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'

describe('certificate files', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  let first: CertificatePair
  let second: CertificatePair
  before(() => {
    dir = TempDir.create('certificates')
    ca = CertificateAuthority.create(dir.path)
    first = ca.client('first')
    second = ca.client('second')
  })
  after(async () => dir.remove())

  /** The first pair and the CA, as files of their own. */
  function installed(name: string): { caFile: string; certFile: string; keyFile: string } {
    const path = dir.mkdir(name)
    const files = { caFile: join(path, 'ca.crt'), certFile: join(path, 'tls.crt'), keyFile: join(path, 'tls.key') }
    replaceFile(files.caFile, ca.cert)
    replaceFile(files.certFile, first.cert)
    replaceFile(files.keyFile, first.key)
    return files
  }

  test('are the same object as long as nothing has changed', () => {
    const files = installed('same')
    const certificates = new Certificates(files)
    const set = certificates.read()
    assert.deepEqual(set.cert, readFileSync(first.cert))
    replaceFile(files.certFile, first.cert)
    assert.equal(certificates.read(), set)
  })

  test('count again once certificate and key are both replaced, and not in between', () => {
    const files = installed('pair')
    const certificates = new Certificates(files)
    const set = certificates.read()
    replaceFile(files.certFile, second.cert)
    assert.equal(certificates.read(), set)
    assert.match(certificates.trouble?.message ?? '', /tls\.crt.*do not fit together/)
    replaceFile(files.keyFile, second.key)
    const next = certificates.read()
    assert.notEqual(next, set)
    assert.deepEqual([next.cert, next.key], [readFileSync(second.cert), readFileSync(second.key)])
    assert.equal(certificates.trouble, null)
  })

  test('that are missing, empty or cut off change nothing, and are reported by name', () => {
    const files = installed('broken')
    const certificates = new Certificates(files)
    const set = certificates.read()
    for (const file of [files.caFile, files.certFile, files.keyFile]) {
      const whole = readFileSync(file)
      const breaks = [
        () => rmSync(file),
        () => writeFileSync(file, ''),
        () => writeFileSync(file, whole.subarray(0, whole.length / 2)),
      ]
      for (const harm of breaks) {
        harm()
        assert.equal(certificates.read(), set)
        assert.ok(certificates.trouble?.message.includes(file), certificates.trouble?.message)
        writeFileSync(file, whole)
        assert.equal(certificates.read(), set)
        assert.equal(certificates.trouble, null)
      }
    }
  })

  test('of which the last of several CAs is cut off are invalid', () => {
    const files = installed('bundle')
    const pem = readFileSync(ca.cert, 'utf8')
    writeFileSync(files.caFile, `# a comment\n${pem}${pem}`)
    const certificates = new Certificates(files)
    const set = certificates.read()
    writeFileSync(files.caFile, `${pem}${pem.slice(0, -100)}`)
    assert.equal(certificates.read(), set)
    assert.match(certificates.trouble?.message ?? '', /ca\.crt is invalid: a certificate in it is not whole/)
  })

  test('in whose place is a pipe, a directory or more than any of them are not read, and nothing waits', () => {
    const { caFile } = installed('strange')
    const places: readonly (readonly [why: string, make: () => unknown])[] = [
      ['it is not a file', () => execFileSync('mkfifo', [caFile])],
      ['it is not a file', () => mkdirSync(caFile)],
      [
        'it is larger than 1048576 bytes',
        () =>
          writeFileSync(
            caFile,
            readFileSync(ca.cert)
              .toString()
              .padEnd(2 ** 20 + 1),
          ),
      ],
    ]
    for (const [why, make] of places) {
      rmSync(caFile, { recursive: true })
      make()
      assert.throws(() => new Certificates({ caFile, certFile: null, keyFile: null }).read(), {
        code: 'CONFIG_UNREADABLE',
        message: `the certificate file ${caFile} cannot be read: ${why}`,
      })
    }
  })

  test('that were never of use are an error that names the file and shows nothing of it', () => {
    const files = installed('never')
    replaceFile(files.keyFile, second.key)
    const isPlain = (code: string, name: string) => (error: unknown) => {
      assert.ok(error instanceof RouterError)
      assert.equal(error.code, code)
      assert.ok(error.message.includes(name), error.message)
      assert.ok(!error.message.includes(readFileSync(second.key, 'utf8').slice(40, 60)), error.message)
      return true
    }
    assert.throws(() => new Certificates(files).read(), isPlain('CONFIG_INVALID', files.keyFile))
    rmSync(files.keyFile)
    assert.throws(() => new Certificates(files).read(), isPlain('CONFIG_UNREADABLE', files.keyFile))
  })

  test('may hold certificate and key together, and only a CA, or nothing at all, is enough', () => {
    const files = installed('combined')
    writeFileSync(files.certFile, `${readFileSync(first.key, 'utf8')}${readFileSync(first.cert, 'utf8')}`)
    const { cert, key } = new Certificates({ ...files, keyFile: null }).read()
    assert.deepEqual([cert, key], [readFileSync(files.certFile), readFileSync(files.certFile)])
    const onlyCa = new Certificates({ ...files, certFile: null, keyFile: null }).read()
    assert.deepEqual([onlyCa.ca, onlyCa.cert, onlyCa.key], [readFileSync(ca.cert), null, null])
    const nothing = new Certificates({ caFile: null, certFile: null, keyFile: null }).read()
    assert.deepEqual([nothing.ca, nothing.cert, nothing.key], [null, null, null])
  })
})
