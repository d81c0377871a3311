/** Finds the events of the log in the source, by its types: also those whose names are put together. */
import { join, relative } from 'node:path'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '../../..')
/** They show the events of others. */
const SHOWING = /^src\/events\/(?:event|narration|text)\.ts$/
const LEVELS = ['debug', 'note', 'info', 'warn', 'error', 'fatal']

export interface FoundEvent {
  readonly event: string
  /** As far as it is written beside the event; null: it is decided elsewhere. */
  readonly level: string | null
  /** `src/router.ts:227` */
  readonly place: string
}

export interface Found {
  readonly events: readonly FoundEvent[]
  /** Places whose events cannot be told from their types. */
  readonly unclear: readonly string[]
  /** Places that log something without an event. */
  readonly nameless: readonly string[]
}

/** Returns every event that `src` can log; not the demo's, which are lines of its screen. */
export function findLogEvents(): Found {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, 'tsconfig.build.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  )
  if (config === undefined) throw new Error('tsconfig.build.json cannot be read')
  const program = ts.createProgram(config.fileNames, config.options)
  const checker = program.getTypeChecker()
  const events: FoundEvent[] = []
  const unclear: string[] = []
  const nameless: string[] = []

  for (const file of program.getSourceFiles()) {
    const path = relative(ROOT, file.fileName)
    if (!path.startsWith('src/') || path.startsWith('src/demo/') || path.startsWith('src/admin/status/')) continue
    if (SHOWING.test(path)) continue
    const placeOf = (node: ts.Node): string => `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
    const visit = (node: ts.Node): void => {
      const value = eventOf(node)
      if (value !== null) {
        const names = namesOf(value, checker)
        if (names === null) unclear.push(`${placeOf(node)}: ${value.getText()}`)
        else events.push(...names.map((event) => ({ event, level: levelOf(node), place: placeOf(node) })))
      }
      if (isLogCall(node, checker) && !hasEvent(node, checker)) nameless.push(placeOf(node))
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return { events, unclear, nameless }
}

/** Returns what stands behind `event:` in an object literal; null: the node is something else. */
function eventOf(node: ts.Node): ts.Expression | null {
  if (ts.isPropertyAssignment(node) && node.name.getText() === 'event') return node.initializer
  return ts.isShorthandPropertyAssignment(node) && node.name.text === 'event' ? node.name : null
}

/** Returns all strings that an expression can be; null: any string. */
function namesOf(expression: ts.Expression, checker: ts.TypeChecker): readonly string[] | null {
  if (ts.isTemplateExpression(expression)) {
    let texts: readonly string[] = [expression.head.text]
    for (const { expression: inner, literal } of expression.templateSpans) {
      const values = namesOf(inner, checker)
      if (values === null) return null
      texts = texts.flatMap((text) => values.map((value) => text + value + literal.text))
    }
    return texts
  }
  const value = ts.isIdentifier(expression) ? constantOf(expression, checker) : null
  if (value !== null) return namesOf(value, checker)
  if (ts.isConditionalExpression(expression)) {
    const [one, other] = [namesOf(expression.whenTrue, checker), namesOf(expression.whenFalse, checker)]
    return one === null || other === null ? null : [...one, ...other]
  }
  const type = checker.getTypeAtLocation(expression)
  const parts = type.isUnion() ? type.types : [type]
  const values = parts.flatMap((part) => (part.isStringLiteral() ? part.value : []))
  return values.length === parts.length ? values : null
}

/** Returns what a constant is made of; null: the name is no constant. */
function constantOf(name: ts.Identifier, checker: ts.TypeChecker): ts.Expression | null {
  const symbol = ts.isShorthandPropertyAssignment(name.parent)
    ? checker.getShorthandAssignmentValueSymbol(name.parent)
    : checker.getSymbolAtLocation(name)
  const declaration = symbol?.valueDeclaration
  return declaration !== undefined && isConstant(declaration) ? (declaration.initializer ?? null) : null
}

function isConstant(declaration: ts.Declaration): declaration is ts.VariableDeclaration {
  return ts.isVariableDeclaration(declaration) && (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0
}

/** Returns the level beside the event: of the call that takes it, or of the line that holds it. */
function levelOf(node: ts.Node): string | null {
  for (let at: ts.Node = node; !ts.isStatement(at); at = at.parent) {
    if (ts.isCallExpression(at)) {
      const [first] = at.arguments
      const method = ts.isPropertyAccessExpression(at.expression) ? at.expression.name.text : ''
      if (LEVELS.includes(method)) return method
      const given = at.arguments.find((argument) => ts.isStringLiteral(argument) && LEVELS.includes(argument.text))
      if (given !== undefined && ts.isStringLiteral(given)) return given.text
      if (first !== undefined && ts.isObjectLiteralExpression(first)) continue
    }
    if (ts.isObjectLiteralExpression(at)) {
      const level = at.properties.find((each) => each.name?.getText() === 'level')
      if (level !== undefined && ts.isPropertyAssignment(level) && ts.isStringLiteral(level.initializer))
        return level.initializer.text
    }
  }
  return null
}

/** Returns whether it is a call of pino: `log.warn(...)`. */
function isLogCall(node: ts.Node, checker: ts.TypeChecker): node is ts.CallExpression {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
  if (!LEVELS.includes(node.expression.name.text)) return false
  return checker.getTypeAtLocation(node.expression).getSymbol()?.name === 'LogFn'
}

function hasEvent(node: ts.CallExpression, checker: ts.TypeChecker): boolean {
  const [fields] = node.arguments
  return fields !== undefined && checker.getTypeAtLocation(fields).getProperty('event') !== undefined
}
