/** Holds the errors of docs/sources.md to the source. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DOCUMENTS, ROOT, rowsIn } from './markdown.ts'

const TEXT = DOCUMENTS.find(({ path }) => path === 'docs/sources.md')?.text ?? ''
/** As one text, whatever quotes and lines a message is made of. */
const SOURCE = globSync('src/watcher/**/*.ts', { cwd: ROOT })
  .map((file) => readFileSync(join(ROOT, file), 'utf8').replaceAll(/['`] \+\s+['`]/g, ''))
  .join('\n')

/** Of Node, OpenSSL and etcd: those show up as they are. */
const FOREIGN = /^(?:connect|E[A-Z]{5,}|getaddrinfo|certificate has|unable to|self-signed|no answer in time$)/
/** Examples of what a message shows. */
const VALUES =
  /(?:user )?"\w+"|\/?service\/demo\/|\b_etcd-client\._tcp\b|\bconsul\.token\b|etcdserver: no leader|alert bad certificate|\b(?:dc9|2\.3\.8|etcd|Consul|watch pods|default|Endpoints)\b|(?<= )\d+\b|\.\.\.|[()]/

test('the errors that the document explains are those that the source makes', () => {
  const [, section = ''] = /\n## What each error means\n([^]*?)\n## /.exec(TEXT) ?? []
  const errors = rowsIn(section).flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
  const own = errors.filter((text) => !FOREIGN.test(text))
  assert.ok(own.length > 25, `${own.length} errors`)
  for (const text of own)
    for (const part of text.split(VALUES).map((each) => each.trim()))
      assert.ok(SOURCE.includes(part), `${text}: ${part}`)
})
