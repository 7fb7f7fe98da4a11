"""The two pieces of protobuf's wire format that are written by hand."""


def varint(number: int) -> bytes:
    """A non-negative integer in base 128, least significant group first."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def delimited(message: bytes) -> bytes:
    """A message with its length before it."""
    return varint(len(message)) + message


def field(number: int, message: bytes) -> bytes:
    """A message as field `number` of another."""
    return varint(number << 3 | 2) + delimited(message)
