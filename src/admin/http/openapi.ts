/** The API in OpenAPI 3.1, published as docs/openapi.json: for documents and tests, a running router does not load it. Pure. */
import { z } from 'zod'
import { published, statusSchema } from '../status/schema.ts'
import { CHECK_PATHS } from './health.ts'
import * as shapes from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  status: statusSchema,
  templates: z.strictObject({ templates: statusSchema.shape.templates }),
  sessions: shapes.sessionList,
  events: shapes.eventList,
  health: shapes.health,
  failure: shapes.failure,
  memberAct: shapes.memberAct,
  holdAct: shapes.holdAct,
  releaseAct: shapes.releaseAct,
  closeAct: shapes.closeAct,
  result: shapes.actResult,
  closed: shapes.closeResult,
}

/** Returns the text of docs/openapi.json. */
export function publishedOpenApi(): string {
  const checks = Object.keys(CHECK_PATHS).filter((path) => path === CHECK_PATHS[path])
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'patroni-router',
      version: '1',
      description: 'Port 7000 of a router: docs/operations.md#port-7000.',
    },
    paths: {
      '/api/v1/cluster': { get: shown('The clusters and the router, as `status --json`.', 'status') },
      '/api/v1/templates': { get: shown('Templates, hooks and keys of it.', 'templates') },
      '/api/v1/sessions': {
        get: {
          ...shown('Open sessions. Needs a token where the client is on another host.', 'sessions', [
            '400',
            '401',
            '409',
            '501',
          ]),
          parameters: ['cluster', 'listener', 'member', 'client', 'id'].map((name) => query(name, 'Only those of it.')),
          security: [{}, { token: [] }],
        },
      },
      '/api/v1/events': {
        get: {
          ...shown('The history, as `events --json`.', 'events', ['400', '501']),
          parameters: EVENT_PARAMETERS,
        },
      },
      '/api/v1/events/stream': { get: stream() },
      '/api/v1/members/{member}': {
        post: {
          ...act('Takes a member out of use for new sessions, or back into it.', 'memberAct', 'result'),
          parameters: [{ name: 'member', in: 'path', required: true, schema: { type: 'string' } }],
        },
      },
      '/api/v1/hold': { post: act('Holds the new clients of a listener, or of all.', 'holdAct', 'result') },
      '/api/v1/release': { post: act('Ends that.', 'releaseAct', 'result') },
      '/api/v1/sessions/close': { post: act('Closes sessions.', 'closeAct', 'closed') },
      ...Object.fromEntries(checks.flatMap(healthPaths)),
      ...Object.fromEntries(['ready', 'live'].map((path) => [`/${path}`, { get: health(path) }])),
    },
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, component(name, schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'A token of `admin.token_file`.' } },
    },
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** Returns a schema below `components`, where its own references have to lead. */
function component(name: string, schema: z.ZodType): Json {
  const text = JSON.stringify({ ...published(schema), $schema: undefined }).replaceAll(
    '"#/$defs/',
    `"#/components/schemas/${name}/$defs/`,
  )
  return JSON.parse(text) as Json
}

function content(name: string): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } }
}

const FAILURES: Readonly<Record<string, string>> = {
  400: 'The request is wrong.',
  401: 'No token, or one that is unknown.',
  404: 'There is no such cluster.',
  409: 'It cannot be done: there is no such member, listener or cluster.',
  413: 'The body is larger than 16 KiB.',
  415: 'The body is not JSON.',
  501: 'This router has none.',
  503: 'Too many large answers, or readers, at a time.',
}

function failures(codes: readonly string[]): Json {
  return Object.fromEntries(codes.map((code) => [code, { description: FAILURES[code], content: content('failure') }]))
}

function shown(summary: string, name: string, codes: readonly string[] = []): Json {
  return { summary, responses: { 200: { description: 'It.', content: content(name) }, ...failures([...codes, '503']) } }
}

function act(summary: string, body: string, result: string): Json {
  return {
    summary,
    security: [{ token: [] }],
    requestBody: { required: true, content: content(body) },
    responses: {
      200: { description: 'It is done.', content: content(result) },
      ...failures(['400', '401', '409', '413', '415', '501']),
    },
  }
}

function query(name: string, description: string): Json {
  return { name, in: 'query', description, schema: { type: 'string' } }
}

const EVENT_PARAMETERS: readonly Json[] = [
  query('since', 'Not older than this: `1h`, or a time.'),
  query('cluster', 'Only those of a cluster, and those of none.'),
  query('after', 'Only those behind this number (`seq`).'),
]

function stream(): Json {
  return {
    summary: 'Events as they come (server-sent events): `data` is one of `/api/v1/events`, `id` its `seq`.',
    parameters: [
      ...EVENT_PARAMETERS.filter(({ name }) => name !== 'since'),
      { name: 'Last-Event-ID', in: 'header', description: 'As `after`.', schema: { type: 'string' } },
    ],
    responses: {
      200: { description: 'Does not end.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
      ...failures(['400', '501', '503']),
    },
  }
}

function healthPaths(check: string): readonly (readonly [string, Json])[] {
  const cluster = { name: 'cluster', in: 'path', required: true, schema: { type: 'string' } }
  const parameters = [query('lag', 'How far a member may be behind: `16MB`.')]
  const { responses, ...one } = health(check)
  const missing = { ...(responses as Json), ...failures(['404']) }
  return [
    [`/${check}`, { get: { ...health(check), parameters } }],
    [`/{cluster}/${check}`, { get: { ...one, responses: missing, parameters: [cluster, ...parameters] } }],
  ]
}

function health(check: string): Json {
  return {
    summary: `Health check \`${check}\`; also to HEAD and OPTIONS.`,
    responses: {
      200: { description: 'Yes.', content: content('health') },
      503: { description: 'No.', content: content('health') },
    },
  }
}
