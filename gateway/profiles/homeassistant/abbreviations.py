"""The short spellings of those keys of a configuration that are read here (home-assistant.io, MQTT: discovery)."""

from __future__ import annotations

from typing import Any

_WORDS = """
action_template: act_tpl
action_topic: act_t
availability: avty
availability_mode: avty_mode
availability_template: avty_tpl
availability_topic: avty_t
brightness_command_template: bri_cmd_tpl
brightness_command_topic: bri_cmd_t
brightness_scale: bri_scl
brightness_state_topic: bri_stat_t
brightness_template: bri_tpl
brightness_value_template: bri_val_tpl
color_temp_command_template: clr_temp_cmd_tpl
color_temp_command_topic: clr_temp_cmd_t
color_temp_kelvin: clr_temp_k
color_temp_state_topic: clr_temp_stat_t
color_temp_value_template: clr_temp_val_tpl
command_template: cmd_tpl
command_topic: cmd_t
components: cmps
current_humidity_template: curr_hum_tpl
current_humidity_topic: curr_hum_t
current_temperature_template: curr_temp_tpl
current_temperature_topic: curr_temp_t
device: dev
device_class: dev_cla
direction_command_template: dir_cmd_tpl
direction_command_topic: dir_cmd_t
direction_state_topic: dir_stat_t
direction_value_template: dir_val_tpl
effect_command_template: fx_cmd_tpl
effect_command_topic: fx_cmd_t
effect_list: fx_list
effect_state_topic: fx_stat_t
effect_value_template: fx_val_tpl
encoding: e
event_types: evt_typ
expire_after: exp_aft
fan_mode_command_template: fan_mode_cmd_tpl
fan_mode_command_topic: fan_mode_cmd_t
fan_mode_state_template: fan_mode_stat_tpl
fan_mode_state_topic: fan_mode_stat_t
max_humidity: max_hum
max_kelvin: max_k
max_mireds: max_mirs
min_humidity: min_hum
min_kelvin: min_k
min_mireds: min_mirs
mode_command_template: mode_cmd_tpl
mode_command_topic: mode_cmd_t
mode_state_template: mode_stat_tpl
mode_state_topic: mode_stat_t
off_delay: off_dly
on_command_type: on_cmd_type
optimistic: opt
options: ops
origin: o
oscillation_command_template: osc_cmd_tpl
oscillation_command_topic: osc_cmd_t
oscillation_state_topic: osc_stat_t
oscillation_value_template: osc_val_tpl
payload_available: pl_avail
payload_close: pl_cls
payload_lock: pl_lock
payload_not_available: pl_not_avail
payload_off: pl_off
payload_on: pl_on
payload_open: pl_open
payload_oscillation_off: pl_osc_off
payload_oscillation_on: pl_osc_on
payload_press: pl_prs
payload_stop: pl_stop
payload_unlock: pl_unlk
percentage_command_template: pct_cmd_tpl
percentage_command_topic: pct_cmd_t
percentage_state_topic: pct_stat_t
percentage_value_template: pct_val_tpl
platform: p
position_closed: pos_clsd
position_open: pos_open
position_template: pos_tpl
position_topic: pos_t
power_command_template: pow_cmd_tpl
power_command_topic: pow_cmd_t
preset_mode_command_template: pr_mode_cmd_tpl
preset_mode_command_topic: pr_mode_cmd_t
preset_mode_state_topic: pr_mode_stat_t
preset_mode_value_template: pr_mode_val_tpl
preset_modes: pr_modes
set_position_template: set_pos_tpl
set_position_topic: set_pos_t
speed_range_max: spd_rng_max
speed_range_min: spd_rng_min
state_class: stat_cla
state_closed: stat_clsd
state_closing: stat_closing
state_jammed: stat_jam
state_locked: stat_locked
state_locking: stat_locking
state_off: stat_off
state_on: stat_on
state_open: stat_open
state_opening: stat_opening
state_stopped: stat_stopped
state_template: stat_tpl
state_topic: stat_t
state_unlocked: stat_unlocked
state_unlocking: stat_unlocking
state_value_template: stat_val_tpl
suggested_display_precision: sug_dsp_prc
supported_color_modes: sup_clrm
swing_mode_command_template: swing_mode_cmd_tpl
swing_mode_command_topic: swing_mode_cmd_t
swing_mode_state_template: swing_mode_stat_tpl
swing_mode_state_topic: swing_mode_stat_t
target_humidity_command_template: hum_cmd_tpl
target_humidity_command_topic: hum_cmd_t
target_humidity_state_template: hum_state_tpl
target_humidity_state_topic: hum_stat_t
temperature_command_template: temp_cmd_tpl
temperature_command_topic: temp_cmd_t
temperature_high_command_template: temp_hi_cmd_tpl
temperature_high_command_topic: temp_hi_cmd_t
temperature_high_state_template: temp_hi_stat_tpl
temperature_high_state_topic: temp_hi_stat_t
temperature_low_command_template: temp_lo_cmd_tpl
temperature_low_command_topic: temp_lo_cmd_t
temperature_low_state_template: temp_lo_stat_tpl
temperature_low_state_topic: temp_lo_stat_t
temperature_state_template: temp_stat_tpl
temperature_state_topic: temp_stat_t
temperature_unit: temp_unit
tilt_command_template: tilt_cmd_tpl
tilt_command_topic: tilt_cmd_t
tilt_optimistic: tilt_opt
tilt_status_template: tilt_status_tpl
tilt_status_topic: tilt_status_t
topic: t
unique_id: uniq_id
unit_of_measurement: unit_of_meas
value_template: val_tpl
"""
_OF_DEVICES = """
connections: cns
identifiers: ids
manufacturer: mf
model: mdl
"""


def _table(words: str) -> dict[str, str]:
    pairs = (line.split(": ") for line in words.split("\n") if line)
    return {short: full for full, short in pairs}


KEYS = _table(_WORDS)
DEVICE_KEYS = _table(_OF_DEVICES)


def spelt_out(members: dict[str, Any], table: dict[str, str]) -> dict[str, Any]:
    """The members with their keys in full."""
    return {table.get(key, key): value for key, value in members.items()}
