"""`fieldgate check` and `fieldgate schema`."""

import json

from tests.cli.command import Fieldgate

WRONG = """\
server: {listen: 0.0.0.0:8080}
adapters:
  - id: greenhouse
    type: serial
    port: /dev/ttyACM0
    framing: line
    baudrat: 9600
  - id: house
    type: mqt
devices:
  grenhouse: {name: Greenhouse}
"""


async def test_check_names_every_problem_at_once_with_its_place_and_the_nearest_spelling(fieldgate: Fieldgate) -> None:
    (fieldgate.directory / "fieldgate.yaml").write_text(WRONG)
    ended = await fieldgate.run("check", "fieldgate.yaml")
    assert ended.code == 2
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert all(line.startswith("fieldgate.yaml:") for line in lines), ended.err
    told = "\n".join(lines)
    framings = "cobs, fixed, length_prefixed, lines, slip, stx_etx"
    assert f"fieldgate.yaml:6:14: adapters.0.framing: 'line' is not one of {framings}" in told
    assert "(did you mean 'lines'?)" in told
    assert "fieldgate.yaml:7:5: adapters.0.baudrat: unknown key" in told
    assert "(did you mean 'baudrate'?)" in told
    assert "fieldgate.yaml:9:11: adapters.1.type: 'mqt' is not one of loopback, modbus, mqtt, serial" in told
    assert "(did you mean 'mqtt'?)" in told


async def test_check_prints_a_line_for_each_adapter(fieldgate: Fieldgate) -> None:
    # Found without being named: it lies where the command is run.
    (fieldgate.directory / "fieldgate.yaml").write_text(
        "adapters:\n- {id: board, type: serial, port: /dev/ttyACM0}\n- {id: bench, type: loopback}\n"
        "publish: {url: mqtt://localhost}\n"
    )
    ended = await fieldgate.run("check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "board: serial /dev/ttyACM0 at 115200 baud, lines of json",
        "bench: loopback",
        "publish: mqtt://localhost: fieldgate/{gateway}/{device}/{point}",
    ]


async def test_a_file_that_is_not_there_is_a_usage_error(fieldgate: Fieldgate) -> None:
    for command in ("check", "run"):
        ended = await fieldgate.run(command, "nowhere.yaml")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("nowhere.yaml: cannot be read: No such file")


async def test_the_schema_is_json_and_knows_every_adapter(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("schema")
    assert (ended.code, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    adapters = schema["properties"]["adapters"]["items"]["anyOf"]
    options = [
        schema["$defs"][choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice for choice in adapters
    ]
    assert {option["properties"]["type"]["const"] for option in options} == {"loopback", "modbus", "mqtt", "serial"}
