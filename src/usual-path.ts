/** Where programs are looked for, if the router itself has no PATH or none that counts. */
export const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
