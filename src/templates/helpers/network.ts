/** Answers of the machine and the network: looked up beforehand (lookup-cache.ts), as a template cannot wait. */
import { HelperError, type Helper, type HelperCall } from '../engine/helper.ts'
import type { Question } from '../engine/template.ts'
import { FLAG, NUMBER, TEXT, type Shape } from '../engine/shape.ts'
import { textFrom } from '../engine/unsafe.ts'
import { listShape, newRecord, textOf } from './arguments.ts'

const SRV: Shape = {
  kind: 'record',
  name: 'SRV record',
  fields: { target: TEXT, port: NUMBER, priority: NUMBER, weight: NUMBER },
}

/** Longer than any path, and than any name: not worth a question. */
const LONGEST = 4096

const IS_RELATIVE = 'the path does not begin with a slash'

export const NETWORK_HELPERS: readonly Helper[] = [
  lookup('lookupIP', 'ip'),
  lookup('lookupIPV4', 'ipv4'),
  lookup('lookupIPV6', 'ipv6'),
  {
    name: 'resolves',
    usage: 'resolves HOST',
    arity: { min: 1, max: 1 },
    returns: () => FLAG,
    unsafe: 'carries',
    // The question of lookupIP, so that what this one promises the other one keeps.
    run: ([host], call) => {
      const name = textOf(host, 'the host')
      const answer = name.length > LONGEST ? null : call.ask({ kind: 'ip', name })
      return answer?.ok === true && Array.isArray(answer.value) && answer.value.length > 0
    },
  },
  {
    name: 'lookupSRV',
    usage: 'lookupSRV SERVICE PROTOCOL NAME',
    arity: { min: 3, max: 3 },
    returns: () => listShape(SRV),
    unsafe: 'carries',
    run: ([service, protocol, name], call) => {
      const [of, over, at] = [
        textOf(service, 'the service'),
        textOf(protocol, 'the protocol'),
        textOf(name, 'the name'),
      ]
      // https://pkg.go.dev/net#Resolver.LookupSRV: with both empty the name is looked up as it is.
      const record = of === '' && over === '' ? at : `_${of}._${over}.${at}`
      return answerTo('srv', record, call).map(srvRecord)
    },
  },
  {
    name: 'fileExists',
    usage: 'fileExists PATH',
    arity: { min: 1, max: 1 },
    returns: () => FLAG,
    checkLiterals: ([path]) => (typeof path === 'string' && !path.startsWith('/') ? IS_RELATIVE : null),
    unsafe: 'settles',
    run: ([path], call) => {
      const name = textOf(path, 'the path')
      if (!name.startsWith('/')) throw new HelperError(IS_RELATIVE)
      if (name.length > LONGEST) throw new HelperError('the path is too long')
      const answer = call.ask({ kind: 'file', name })
      if (!answer.ok) throw new HelperError(`the file ${answer.reason}`)
      return answer.value === true
    },
  },
  {
    name: 'getenv',
    usage: 'getenv NAME [DEFAULT]',
    arity: { min: 1, max: 2 },
    returns: () => TEXT,
    unsafe: 'carries',
    run: ([name, fallback = ''], call) => {
      const variable = textOf(name, 'the name of the variable')
      const value = call.read(`getenv ${variable}`, ({ env }) =>
        Object.hasOwn(env, variable) ? (env[variable] ?? '') : '',
      )
      // An empty one is as one that is not set: so is confd's.
      return value === '' ? textOf(fallback, 'the default') : value
    },
  },
]

function lookup(name: string, kind: Question['kind']): Helper {
  return {
    name,
    usage: `${name} HOST`,
    arity: { min: 1, max: 1 },
    returns: () => listShape(TEXT),
    unsafe: 'carries',
    run: ([host], call) => answerTo(kind, textOf(host, 'the host'), call).map(textOfDns),
  }
}

/** Returns the addresses. The error does not show the name, which may come from a key. */
function answerTo(kind: Question['kind'], name: string, call: HelperCall): readonly string[] {
  if (name.length > LONGEST) throw new HelperError('the name is too long')
  const answer = call.ask({ kind, name })
  if (!answer.ok) throw new HelperError(`the name ${answer.reason}`)
  return typeof answer.value === 'boolean' ? [] : answer.value
}

function textOfDns(text: string): unknown {
  return textFrom({ kind: 'other', what: 'the answer of the DNS' }, text)
}

/** Parses a line of lookup-cache.ts: `target:port priority weight`. */
function srvRecord(line: string): unknown {
  const [address = '', priority, weight] = line.split(' ')
  const colon = address.lastIndexOf(':')
  return newRecord({
    target: textOfDns(address.slice(0, colon)),
    port: Number(address.slice(colon + 1)),
    priority: Number(priority),
    weight: Number(weight),
  })
}
