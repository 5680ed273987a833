"""The payload of Sparkplug B, as protobuf messages (specification 3.0, §6.4: the schema).

The descriptor is built here from the numbers of the schema, so that nothing has to be compiled.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from gateway.errors import CodecError

_PACKAGE = "fieldgate.sparkplug"

# Each message: its fields as `number name type`; a type in capitals is another message, `*` is repeated, and what
# follows `value:` are the members of the oneof `value`.
_SCHEMA = """
Payload: 1 timestamp uint64, 2 metrics *Metric, 3 seq uint64, 4 uuid string, 5 body bytes
Metric: 1 name string, 2 alias uint64, 3 timestamp uint64, 4 datatype uint32, 5 is_historical bool, 6 is_transient bool,
 7 is_null bool, 8 metadata MetaData, 9 properties PropertySet, value: 10 int_value uint32, 11 long_value uint64,
 12 float_value float, 13 double_value double, 14 boolean_value bool, 15 string_value string, 16 bytes_value bytes,
 17 dataset_value DataSet, 18 template_value Template
MetaData: 1 is_multi_part bool, 2 content_type string, 3 size uint64, 4 seq uint64, 5 file_name string,
 6 file_type string, 7 md5 string, 8 description string
PropertySet: 1 keys *string, 2 values *PropertyValue
PropertySetList: 1 propertyset *PropertySet
PropertyValue: 1 type uint32, 2 is_null bool, value: 3 int_value uint32, 4 long_value uint64, 5 float_value float,
 6 double_value double, 7 boolean_value bool, 8 string_value string, 9 propertyset_value PropertySet,
 10 propertysets_value PropertySetList
DataSet: 1 num_of_columns uint64, 2 columns *string, 3 types *uint32, 4 rows *Row
Row: 1 elements *DataSetValue
DataSetValue: value: 1 int_value uint32, 2 long_value uint64, 3 float_value float, 4 double_value double,
 5 boolean_value bool, 6 string_value string
Template: 1 version string, 2 metrics *Metric, 3 parameters *Parameter, 4 template_ref string, 5 is_definition bool
Parameter: 1 name string, 2 type uint32, value: 3 int_value uint32, 4 long_value uint64, 5 float_value float,
 6 double_value double, 7 boolean_value bool, 8 string_value string
"""


def _payload_class() -> type[Any]:
    file = descriptor_pb2.FileDescriptorProto(name="fieldgate/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    for line in _SCHEMA.strip().replace(",\n ", ", ").split("\n"):
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        optional, _, members = fields.rpartition("value: ")
        if optional or fields.startswith("value: "):
            message.oneof_decl.add(name="value")
        else:
            optional, members = members, ""
        for text in filter(None, optional.split(", ")):
            _add_field(message, text)
        for text in filter(None, members.split(", ")):
            _add_field(message, text).oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


def _add_field(message: descriptor_pb2.DescriptorProto, text: str) -> descriptor_pb2.FieldDescriptorProto:
    number, name, kind = text.split()
    field = message.field.add(name=name, number=int(number), label="LABEL_OPTIONAL")
    if kind.startswith("*"):
        field.label, kind = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED, kind[1:]
    if kind[0].isupper():
        field.type, field.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    return field


Payload = _payload_class()


def parse(payload: bytes) -> Any:
    """The message of a payload; raises CodecError."""
    try:
        return Payload.FromString(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError("not a payload of Sparkplug B") from error
