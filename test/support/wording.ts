/**
 * How patroni-router speaks to people, as patterns. `node test/support/wording.ts [PATH...]` lists what reads badly.
 */
import { readableTexts, type ReadableText, type TextKind } from './readable-texts.ts'

interface Pattern {
  readonly name: string
  readonly pattern: RegExp
  readonly why: string
  /** What to write. */
  readonly better: string
  /** Where it counts; by default everywhere. */
  readonly kinds?: readonly TextKind[]
}

const USER_TEXT: readonly TextKind[] = ['said', 'prose', 'header', 'heading']
const SENTENCES: readonly TextKind[] = ['said', 'prose', 'comment', 'function', 'title']
const COUNTED =
  'sessions|connections|clients|members|replicas|listeners|routes|clusters|templates|files|keys|endpoints|problems|errors|lines|descriptors|attempts|retries|times'

export const PATTERNS: readonly Pattern[] = [
  {
    name: 'since a duration',
    pattern:
      /\bsince (?:\$\{(?:age|inSeconds)\}|(?:about )?\d+(?:\.\d+)? ?(?:ms|s|sec\w*|min\w*|m|h|hours?|d|days?)\b)/,
    why: '"since" takes a moment',
    better: '"for 2m24s"',
  },
  {
    name: 'plural without a singular',
    pattern: new RegExp(String.raw`\$\{…\} (?:${COUNTED})\b|\w\(s\)(?!\w)|\b1 (?:${COUNTED})\b`),
    why: '"1 sessions"',
    better: 'counted(n, "session")',
    kinds: ['said', 'prose', 'header', 'heading'],
  },
  {
    name: 'prove',
    pattern: /\b(?:prov(?:e|es|ed|en|ing)|disprov\w*)\b/i,
    why: 'nothing is proved without an object, and nobody says so of a server',
    better: 'confirm, report, show, verify',
  },
  {
    name: 'person for a thing',
    pattern: /\b(?:nobody|somebody|anybody|everybody|someone|anyone|no one|whoever|whomever|whom)\b/i,
    why: 'members, clients and processes are not persons',
    better: 'no member, no client, a member that, users who',
  },
  {
    name: 'who of a thing',
    pattern:
      /(?<!\b(?:users?|people|persons?|readers?|operators?|admins?|administrators?|DBAs?|SREs?|colleagues?|you|those|attackers?|stranger|anybody|everyone|and|out|says),? )\b(?:who(?!')|whose(?= (?:is|are|has|it)\b))\b(?! (?:am|are) (?:i|we|you)\b)/i,
    why: 'members, clients and processes are not persons',
    better: 'that, which',
    kinds: SENTENCES,
  },
  { name: 'told', pattern: /\btold\b/i, why: 'a translation', better: 'reported, logged, shown' },
  { name: 'in the place of', pattern: /\bin the place of\b/i, why: 'a translation', better: 'instead of, in place of' },
  {
    name: 'asked for',
    pattern: /\b(?:asked|asks|asking) for\b/i,
    why: 'a translation',
    better: 'requested, wanted, configured',
  },
  {
    name: 'asks, of a program',
    pattern: /\b(?:asks?|asked|asking)\b(?! for\b)/i,
    why: 'programs do not ask',
    better: 'queries, reads, checks, requests',
    kinds: USER_TEXT,
  },
  { name: 'of no use', pattern: /\bof no (?:use|help|account)\b/i, why: 'a translation', better: 'invalid, unusable' },
  { name: 'in the moment', pattern: /\bin (?:the|this|that) moment\b/i, why: 'a translation', better: 'at the moment' },
  {
    name: 'lost its power',
    pattern: /\bl(?:ost|oses?) (?:its|their) power\b/i,
    why: 'a translation',
    better: 'lost power',
  },
  {
    name: 'must | kept',
    pattern: /^(?:must|kept|must hold|held)$/i,
    why: 'a reader does not know these headings',
    better: 'target | met',
    kinds: ['header'],
  },
  {
    name: 'clause as subject',
    pattern:
      /(?:^|[.;] )(?:what|whatever|who|whoever|which|whichever|whose)\b(?![^.]*\?)(?! (?:a|an|the) failover looks like)/i,
    why: 'the verb comes late',
    better: 'the subject first: "failures are logged"',
    kinds: ['said', 'prose', 'title', 'function'],
  },
  {
    name: 'One that, as subject',
    pattern: /(?:^|[.;:] )(?:one|those|that|anything|something|everything) (?:that|which|who|of whom)\b/i,
    why: 'the verb comes late, and the reader has to guess the noun',
    better: 'name the thing: "a switchover that is due is ..."',
    kinds: SENTENCES,
  },
  {
    name: 'again and again',
    pattern: /\b(?:again and again|over and over)\b/i,
    why: 'how often?',
    better: 'every N s',
  },
  {
    name: 'speaks, knows, believes',
    pattern: /\b(?:speaks?|spoken|believes?|believed|thinks?|knows|hears?|swears?|vouch(?:es)?)\b/i,
    why: 'programs are not persons',
    better: 'uses, states, has, assumes, is aware of',
  },
  {
    name: 'holds for',
    pattern: /\bholds? (?:\w+ ){1,3}to be\b|\bheld (?:to be|for)\b/i,
    why: 'a translation',
    better: 'assumes, mistaken for',
  },
  {
    name: 'away',
    pattern: /\b(?:is|are|was|were|be|been|being|stays?|goes|went|gone) away\b/i,
    why: 'a DCS is not on holiday',
    better: 'unreachable, down, gone',
  },
  { name: 'goes on', pattern: /\b(?:go|goes|going|went|gone) on\b/i, why: 'a translation', better: 'continues, keeps' },
  {
    name: 'takes connections',
    pattern: /\btak(?:e|es|en|ing) (?:no |any |new |more )*(?:connections?|clients?|sessions?)\b/i,
    why: 'a translation',
    better: 'accepts',
  },
  { name: 'dial', pattern: /\bdial(?:s|l?ed|l?ing)?\b(?![-\w])/i, why: 'jargon', better: 'connect', kinds: USER_TEXT },
  { name: 'mend', pattern: /\bmend(?:s|ed|ing)?\b/i, why: 'of socks', better: 'fix, repair' },
  { name: 'in vain', pattern: /\bin vain\b/i, why: 'bookish', better: 'without success, without an answer' },
  { name: 'anew', pattern: /\b(?:anew|afresh)\b/i, why: 'bookish', better: 'again' },
  {
    name: 'bookish',
    pattern: /\b(?:thereby|hereby|therein|thereof|wherein|whereby|forthwith|amiss|lest|thus|hence|reigns?|wont)\b/i,
    why: 'bookish',
    better: 'plain words',
  },
  {
    name: 'no more',
    pattern: /\bno more(?=[.,;:)]|$| and\b| than\b(?! \d))/i,
    why: 'a translation',
    better: 'no longer',
  },
  {
    name: 'another one',
    pattern: /\b(?:is|are|was|were) another(?: one)?\b(?! \w)/i,
    why: 'a translation',
    better: 'is different, differs',
  },
  {
    name: 'stands in',
    pattern: /\bstands? (?:in|at|on|behind|above|below|between|there|before|beside|under|first|last|written)\b/i,
    why: 'a translation',
    better: 'is in, is at',
  },
  {
    name: 'unless said otherwise',
    pattern: /\b(?:unless|if not) (?:said|told)\b/i,
    why: 'a translation',
    better: 'by default',
  },
  {
    name: 'doc comment without a verb',
    pattern:
      /^(?!(?:@|\{@|See `)|[A-Z][a-z]+s[ ;:,])|^(?:This|Its|Of|Whether|As|Times|Numbers|Keys|Sessions|Members|Bytes|Reasons|Connections|Always|Was|Node's|Patroni's|Perhaps|Besides|Towards|Names? of|Was)\b/,
    why: 'the comment of a function says what it does, then why',
    better: 'begin with a verb: Returns, Parses, Closes',
    kinds: ['function'],
  },
]

export interface Finding {
  readonly pattern: Pattern
  readonly text: ReadableText
  readonly found: string
}

/** Texts that keep their words, each with the reason. */
export const EXCEPTIONS: readonly { readonly file: string; readonly text: RegExp; readonly why: string }[] = []

/** Returns everything that reads badly, in the order of the files. */
export function findings(texts: readonly ReadableText[] = readableTexts()): readonly Finding[] {
  return texts.flatMap((text) =>
    EXCEPTIONS.some((exception) => exception.file === text.file && exception.text.test(text.text))
      ? []
      : PATTERNS.flatMap((pattern) => {
          if (pattern.kinds?.includes(text.kind) === false) return []
          return [...text.text.matchAll(new RegExp(pattern.pattern, `g${pattern.pattern.flags.replace('g', '')}`))].map(
            ({ index, 0: words }) => ({
              pattern,
              text,
              found: text.text.slice(Math.max(0, index - 50), index + words.length + 60),
            }),
          )
        }),
  )
}

/** Returns the room of a file: `src/proxy`, `documents`, `examples`, `test/unit/proxy`. */
export function roomOf(file: string): string {
  const [top = '', second = '', third = ''] = file.split('/')
  if (/^(?:README|CONTRIBUTING|SECURITY)\.md$/.test(file) || top === 'docs') return 'documents'
  if (top === 'test') return `test/${second}/${third}`
  if (top === 'src') return third === '' ? 'src' : `src/${second}`
  return top
}

/** Returns a finding as one line. */
export function describeFinding({ pattern, text, found }: Finding): string {
  return `${text.file}:${text.line} [${text.kind}] ${pattern.name}: ...${found}... (better: ${pattern.better})`
}

if (import.meta.main) {
  const paths = process.argv.slice(2)
  const chosen = findings().filter(({ text }) => paths.length === 0 || paths.some((path) => text.file.startsWith(path)))
  for (const finding of chosen) console.log(describeFinding(finding))
  console.log(`${chosen.length} findings`)
}
