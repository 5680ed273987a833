"""Where it is proved that each attack is refused. The proofs live beside what they are about."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROOFS = {
    "a foreign origin": [
        "server/test_websocket.py::test_a_foreign_origin_is_forbidden_and_its_own_and_none_are_fine",
        "server/test_http.py::test_a_page_of_another_site_may_not_command",
    ],
    "a token in a log": [
        "e2e/test_secrets.py::test_no_token_reaches_a_log_or_an_answer",
        "e2e/test_secrets.py::test_no_signed_token_ticket_or_key_reaches_a_log_or_an_answer",
        "e2e/test_secrets.py::test_a_secret_in_the_wrong_place_of_a_configuration_is_not_shown",
    ],
    "alg none and key confusion": [
        "attacks/test_tokens.py::test_alg_none_and_other_algorithms_are_refused",
        "attacks/test_tokens.py::test_key_confusion_is_refused",
    ],
    "a token without exp or aud": ["attacks/test_tokens.py::test_a_token_without_exp_or_aud_or_sub_is_refused"],
    "an expired or revoked token on an open connection": [
        "attacks/test_tokens.py::test_an_expired_token_ends_an_open_connection",
        "attacks/test_tokens.py::test_a_revoked_token_ends_an_open_connection",
    ],
    "guessing": ["attacks/test_tokens.py::test_guessing_is_slowed_by_address_and_by_nothing_else"],
    "a route without a token": ["server/test_http.py::test_every_route_but_health_and_pages_needs_a_token"],
    "commands across devices": [
        "attacks/test_rights.py::test_a_socket_reads_and_commands_what_its_identity_may_and_nothing_else",
        "attacks/test_rights.py::test_http_reads_and_commands_what_its_identity_may_and_nothing_else",
        "attacks/test_rights.py::test_a_command_is_shown_to_its_sender_and_to_nobody_else",
    ],
    "+ # / CR and LF in names": [
        "adapters/test_topics.py::test_no_name_can_change_the_shape_of_a_topic",
        "adapters/test_mqtt_commands.py::test_a_name_that_would_change_the_topic_is_refused_before_anything_is_sent",
        "attacks/test_input.py::test_a_name_that_no_device_or_point_has_is_just_not_there",
    ],
    "retained command messages": [
        "adapters/test_mqtt_commands.py::test_a_command_has_quality_1_is_never_retained_and_expires",
        "adapters/test_mqtt_commands.py::test_a_command_that_someone_retained_is_none_of_ours",
    ],
    "NaN, 1e999 and 30 digits": [
        "attacks/test_input.py::test_a_number_that_is_none_is_refused",
        "attacks/test_input.py::test_an_integer_of_thirty_digits_stays_a_number_or_is_refused",
        "adapters/test_mqtt_readings.py::test_on_topics_of_points_each_payload_is_one_value",
    ],
    "deep nesting": [
        "attacks/test_input.py::test_deep_nesting_is_refused",
        "codecs/test_json.py::test_nesting_has_an_end",
    ],
    "compression bombs": [
        "attacks/test_input.py::test_a_compressed_body_does_not_unfold_past_the_limit",
        "conformance/test_frames.py::test_compression_is_never_agreed_on",
    ],
    "incomplete frames that hold memory": [
        "server/test_door.py::test_a_message_that_is_not_completed_in_time_is_4408_whatever_comes_between",
        "server/test_door.py::test_a_message_above_the_limit_is_1009_before_a_byte_of_it_came",
        "server/test_door.py::test_before_authentication_12_kib_are_taken_and_the_limit_after_it",
    ],
    "slow headers": [
        "server/test_door.py::test_a_head_that_drips_in_is_closed_with_408",
        "server/test_door.py::test_a_connection_that_sends_nothing_is_closed_without_a_word",
    ],
    "a million subscriptions": [
        "attacks/test_flood.py::test_a_million_subscriptions_end_at_the_limit_and_leave_nothing"
    ],
    "path traversal": ["attacks/test_files.py::test_a_path_leads_to_a_page_or_nowhere"],
    "markup on the dashboard": ["browser/test_dashboard_values.py::test_markup_in_names_and_values_is_shown_as_text"],
    "__proto__ as a device": [
        "browser/test_dashboard_values.py::test_a_device_and_points_named_like_parts_of_every_object_are_like_any_other"
    ],
    "YAML tags": ["attacks/test_files.py::test_a_yaml_tag_makes_nothing_and_is_an_error"],
    "newlines in logs": ["attacks/test_log.py::test_no_line_of_the_log_is_a_strangers"],
    "replayed and duplicated commands": [
        "attacks/test_flood.py::test_a_command_that_is_replayed_moves_nothing",
        "commands/test_router.py::test_a_repeated_key_returns_the_command_as_it_stands_and_sends_nothing",
    ],
    "commands older than their time to live": ["commands/test_router.py::test_nothing_is_sent_after_its_time_to_live"],
    "a flood of commands": [
        "attacks/test_flood.py::test_a_flood_of_commands_to_a_relay_is_refused_and_each_that_was_taken_ends",
    ],
}


@pytest.mark.parametrize("attack", PROOFS)
def test_each_attack_has_its_proof(attack: str) -> None:
    for proof in PROOFS[attack]:
        path, _, name = proof.partition("::")
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"def {name}\(", text), proof
