/** The families that the router exports. */
const NATIVE = `
  build_info start_time_seconds stopping primary_state primary_state_seconds primary_info primary_accepts_connections
  primary_changes_total epoch dcs_up dcs_last_read_timestamp_seconds dcs_age_seconds dcs_errors_total member_up member_usable
  member_leader member_lag_bytes member_timeline member_override member_override_timestamp_seconds cluster_paused cluster_standby
  cluster_timeline_set_back part_fault checks_total check_duration_seconds last_check_duration_seconds sessions sessions_total
  connections_total refused_connections_total closed_sessions_total failed_connects_total bytes_total held_connections
  oldest_held_seconds hold_seconds connect_seconds listener_held_by_request listener_fault listener_fallback template_group_state
  template_renders_total template_checks_total reloads_total template_keys_up hooks_total track_met track_error config_reloads_total config_differs
  log_dropped_lines_total http_refused_total event_loop_delay_seconds`

const PROCESS = 'process_resident_memory_bytes process_cpu_seconds_total process_open_fds process_max_fds'

export const FAMILIES: ReadonlySet<string> = new Set([
  ...NATIVE.trim()
    .split(/\s+/)
    .map((name) => `patroni_router_${name}`),
  ...PROCESS.split(' '),
])
