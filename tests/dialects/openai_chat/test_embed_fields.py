"""What is read of an answer of vectors."""

from penstock.dialects.message import Usage
from penstock.dialects.openai_chat.embed_fields import AnswerFields, UsageFields


def test_tokens_are_known_only_where_they_are_told() -> None:
    assert AnswerFields().counted() == Usage()
    assert AnswerFields(usage=UsageFields()).counted() == Usage()
    assert AnswerFields(usage=UsageFields(7)).counted() == Usage(7, is_known=True)
