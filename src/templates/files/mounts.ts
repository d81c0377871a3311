/** Files that are mount points, as containers have them: another one cannot take their place. */
import { readFile } from 'node:fs/promises'

/** Whether something is mounted at `path`. False where the system does not say. */
export async function isMountPoint(path: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === path)
}

/** Blanks and backslashes are in octal there. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
