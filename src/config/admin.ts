/** The section `admin`. Pure. */
import { mappingOf, type Mapping } from '../text/unknown-shape.ts'
import { MAX_SOCKET_PATH_BYTES } from '../unix-socket.ts'
import { ADMIN_HTTP } from './admin-http.ts'
import type { AdminConfig } from './config.ts'
import { DEFAULT_ADMIN_SOCKET } from './defaults.ts'
import type { Fault } from './file/problem.ts'
import { fitsSocket } from './proxy/binds.ts'
import { account, PERMISSIONS } from './templates/fields.ts'
import { optional, section } from './values/fields.ts'
import type { ValueType } from './values/form.ts'
import { bad, type Parsed } from './values/parsed.ts'
import { ABSOLUTE_PATH } from './values/types.ts'

const SOCKET: ValueType<Parsed<string>> = {
  parse: (value) => {
    const path = ABSOLUTE_PATH.parse(value)
    return path.ok ? fitsSocket(path.value) : path
  },
  form: { ...ABSOLUTE_PATH.form, maxLength: MAX_SOCKET_PATH_BYTES },
}

/** Permissions of a socket: to connect takes the right to write. */
const SOCKET_MODE: ValueType<Parsed<number>> = {
  parse: (value) => {
    const mode = PERMISSIONS.parse(value)
    if (!mode.ok) return mode
    const digits = mode.value.toString(8).padStart(4, '0')
    if ((mode.value & 0o007) !== 0)
      return bad(`${digits} lets every user of this machine connect: use '0660', and admin.group for those who may`)
    if (mode.value > 0o777 || (mode.value & 0o600) !== 0o600)
      return bad(`${digits} does not let the router's own user connect: use '0660' or '0600'`)
    if ((mode.value & 0o070) !== 0 && (mode.value & 0o020) === 0)
      return bad(`${digits} does not let the group connect, which takes the right to write: use '0660' or '0600'`)
    return mode
  },
  form: {
    anyOf: [
      { type: 'string', pattern: '^(?:0|0o)?0?[67][0-7]0$' },
      { type: 'integer', enum: [0o600, 0o660, 0o700, 0o770] },
    ],
  },
}

export const ADMIN = {
  socket: optional(
    SOCKET,
    `Absolute path of the admin socket. A socket that cannot be made is a warning where nothing of this section is set, else an error. Default: \`${DEFAULT_ADMIN_SOCKET}\`.`,
  ),
  mode: optional(
    SOCKET_MODE,
    "Permissions of the admin socket, octal and quoted: `'0660'` lets its group connect, `'0600'` the router's user and root alone. Default: `'0660'` with `group`, else what the umask leaves to owner and group.",
  ),
  group: optional(
    account('group'),
    "Group of the admin socket, and of its directory where the router makes that, by name or number. Its users can run all commands that query or drive the router, such as `status`, `reload` and `member`. Default: the router's own group.",
  ),
  ...ADMIN_HTTP,
}

export const ADMIN_SECTION = section(
  ADMIN,
  'How a running router is seen and driven: the socket of the commands, and HTTP.',
)

type AdminSection = Readonly<Pick<AdminConfig['socket'], 'mode' | 'group'> & { socket: string | null }>

/** Builds the socket of the section. Where none of its keys is set, it is a default one. */
export function socketConfig({ socket, mode, group }: AdminSection): AdminConfig['socket'] {
  const isDefault = socket === null && mode === null && group === null
  return { path: socket ?? DEFAULT_ADMIN_SOCKET, isDefault, mode, group }
}

/** Returns what is wrong between keys of the section of which each is right. */
export function checkAdmin({ admin }: Mapping): Fault[] {
  const { mode, group = null } = mappingOf(admin)
  const parsed = SOCKET_MODE.parse(mode)
  if (group === null || !parsed.ok || (parsed.value & 0o020) !== 0) return []
  return [
    { path: ['admin', 'mode'], message: "does not let admin.group connect: use '0660', or leave one of them out" },
  ]
}
