/** Returns the scope of the cluster of that number. */
export function scopeOf(cluster: number): string {
  return `c${String(cluster).padStart(3, '0')}`
}

/** Returns the name of a member of that cluster, which no other cluster has: in Kubernetes it is that of a Pod. */
export function memberOf(cluster: number, index: number): string {
  return `${scopeOf(cluster)}-${index}`
}
