"""The real parts that tests run against: a broker, a gateway process, a protocol client."""
