import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { DOCUMENTS, parseDocument, ROOT } from './markdown.ts'

const OWN =
  /^https:\/\/(?:raw\.githubusercontent\.com\/patroni-router\/patroni-router\/main|github\.com\/patroni-router\/patroni-router\/(?:blob|tree)\/main)\//
const PATHS = new Map(DOCUMENTS.map((document) => [document.path, document]))

/** Returns what is wrong with a link of the document at `from`; null: nothing. */
function faultOf(from: string, to: string): string | null {
  const own = to.replace(OWN, '')
  if (own === to && /^[a-z]+:/.test(to))
    return /^https:\/\/[\w.-]+\.[a-z]{2,}(?:[/?#]\S*)?$|^mailto:\S+@\S+$/.test(to) ? null : 'is no https address'
  const [file = '', anchor = null] = own.split('#')
  const path = own === to ? normalize(file === '' ? from : join(dirname(from), file)).replace(/\/$/, '') : file
  if (path.startsWith('..')) return 'leads out of the repository'
  if (!existsSync(join(ROOT, path))) return 'leads nowhere'
  if (anchor === null) return null
  const anchors = PATHS.get(path)?.anchors
  return anchors?.has(anchor) === true ? null : `${path} has no such heading`
}

for (const { path, links } of DOCUMENTS)
  test(`the links of ${path} lead somewhere`, () => {
    for (const { place, to } of links) assert.equal(faultOf(path, to), null, `${place}: ${to}`)
  })

test('a broken link is noticed', () => {
  const faults = [
    ['README.md', 'docs/nowhere.md', 'leads nowhere'],
    ['docs/routing.md', '#no-such-heading', 'docs/routing.md has no such heading'],
    ['docs/routing.md', '../../out.md', 'leads out of the repository'],
    ['README.md', 'http://example.com', 'is no https address'],
  ] as const
  for (const [from, to, fault] of faults) assert.equal(faultOf(from, to), fault)
  const { anchors, links } = parseDocument('a.md', '# A `b` c\n## A b c\n[x](y) <img src="z">\n')
  assert.deepEqual([...anchors], ['a-b-c', 'a-b-c-1'])
  assert.deepEqual(
    links.map(({ to }) => to),
    ['y', 'z'],
  )
})

test('every document is reached from the README', () => {
  const reached = new Set<string>(['README.md'])
  for (const from of reached)
    for (const { to } of PATHS.get(from)?.links ?? []) {
      const path = normalize(join(dirname(from), to.split('#')[0] ?? '')).replace(/\/$/, '')
      for (const each of [path, join(path, 'README.md')]) if (PATHS.has(each)) reached.add(each)
    }
  assert.deepEqual(
    globSync('{*,{docs,examples}/**/*}.md', { cwd: ROOT }).filter((path) => !reached.has(path)),
    [],
  )
})
