/** Finds the codes of RouterError in the source. */
import { join, relative } from 'node:path'
import ts from 'typescript'
import { globSync, readFileSync } from 'node:fs'

const ROOT = join(import.meta.dirname, '../../..')

/** Returns the codes that are declared, and those that an error is made with, sorted. */
export function errorCodes(): { readonly declared: readonly string[]; readonly used: readonly string[] } {
  const declared: string[] = []
  const used = new Set<string>()
  for (const path of globSync('src/**/*.ts', { cwd: ROOT })) {
    const file = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      if (ts.isTypeAliasDeclaration(node) && node.name.text === 'ErrorCode') declared.push(...literalsIn(node.type))
      if (ts.isNewExpression(node) && node.expression.getText() === 'RouterError') {
        const [code] = node.arguments ?? []
        if (code === undefined || !ts.isStringLiteral(code))
          throw new Error(`${relative(ROOT, path)}: the code of an error is no literal: ${node.getText()}`)
        used.add(code.text)
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return { declared, used: [...used].toSorted() }
}

function literalsIn(node: ts.Node): readonly string[] {
  if (ts.isStringLiteral(node)) return [node.text]
  const found: string[] = []
  ts.forEachChild(node, (child) => void found.push(...literalsIn(child)))
  return found
}
