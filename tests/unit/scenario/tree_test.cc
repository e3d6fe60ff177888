#include "harness/scenario/tree.h"

#include <gtest/gtest.h>

namespace crypelab::scenario::tree_test {
namespace {

TEST(Source, lines_end_with_either_line_break) {
  const Source source("f", "one\r\ntwo\n\nfour");
  EXPECT_EQ(source.lines(), 4u);
  EXPECT_EQ(source.line(1), "one");
  EXPECT_EQ(source.line(2), "two");
  EXPECT_EQ(source.line(3), "");
  EXPECT_EQ(source.line(4), "four");
  EXPECT_EQ(source.line(0), "");
  EXPECT_EQ(source.line(5), "");
}

TEST(Source, a_byte_order_mark_is_no_part_of_the_text) { EXPECT_EQ(Source("f", "\xEF\xBB\xBFone").line(1), "one"); }

TEST(Source, columns_count_characters) {
  const Source source("f", "title: Büro 東京 x");
  EXPECT_EQ(position_of(source, 0, source.text().find('x')).column, 16u);
}

TEST(Source, utf8_is_checked_strictly) {
  EXPECT_EQ(utf8_length("a"), 1u);
  EXPECT_EQ(utf8_length("\xC3\xBC"), 2u);
  EXPECT_EQ(utf8_length("\xE6\x9D\xB1"), 3u);
  EXPECT_EQ(utf8_length("\xF0\x9F\x98\x80"), 4u);
  EXPECT_EQ(utf8_length(""), 0u);
  EXPECT_EQ(utf8_length("\xC0\x80"), 0u);          // overlong
  EXPECT_EQ(utf8_length("\xE0\x80\x80"), 0u);      // overlong
  EXPECT_EQ(utf8_length("\xED\xA0\x80"), 0u);      // a surrogate
  EXPECT_EQ(utf8_length("\xF4\x90\x80\x80"), 0u);  // beyond U+10FFFF
  EXPECT_EQ(utf8_length("\xE6\x9D"), 0u);          // cut short
  EXPECT_EQ(utf8_length("\x80"), 0u);
}

TEST(Source, what_is_quoted_is_printable_and_short) {
  EXPECT_EQ(in_quotes("a\x1b[31m\nb"), "'a\uFFFD[31m\uFFFDb'");
  EXPECT_EQ(in_quotes("\xFF"), "'\uFFFD'");
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
}

TEST(Tree, everything_has_its_place) {
  const Source source("f", "a: 1\nb:\n  - x\n  - {c: 'y'}\nempty:\n");
  Problems problems;
  const auto root = parse_tree(source, problems);
  ASSERT_TRUE(root);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(root->kind, Node::Kind::mapping);
  const Node* b = root->find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->items.size(), 2u);
  EXPECT_EQ(b->items[0].at.line, 3u);
  EXPECT_EQ(b->items[0].at.column, 5u);
  const Node* c = b->items[1].find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->text, "y");
  EXPECT_FALSE(c->plain);
  EXPECT_TRUE(root->find("a")->plain);
  EXPECT_EQ(root->find("empty")->kind, Node::Kind::empty);
  EXPECT_EQ(root->find("empty")->at.line, 5u);  // the key, not where the next thing begins
  EXPECT_EQ(place_of_key(*root, {"b"}).line, 2u);
  EXPECT_EQ(place(*root, {"b", "absent"}).line, 3u);
}

TEST(Tree, a_quote_may_close_anywhere) {
  for (const auto* text :
       {"a: 'it''s'\n", "a: \"x\\\"y\"  # b\n", "a: \"x\ny\"\n", "a: ''", "a: it's", "a: \"\\\\\""}) {
    const Source source("f", text);
    Problems problems;
    EXPECT_TRUE(parse_tree(source, problems)) << text;
  }
  for (const auto* text : {"a: 'it''s\n", "a: \"x\\\"\n", "a: \"x"}) {
    const Source source("f", text);
    Problems problems;
    EXPECT_FALSE(parse_tree(source, problems)) << text;
    EXPECT_FALSE(problems.empty());
  }
}

TEST(Problems, come_by_place_and_once) {
  const Source source("f", "one\ntwo\n");
  Problems problems;
  problems.add({&source, 2, 1}, "second");
  problems.add({&source, 1, 2}, "first");
  problems.add({&source, 2, 1}, "second");
  const auto sorted = problems.sorted();
  ASSERT_EQ(sorted.size(), 2u);
  EXPECT_EQ(sorted[0].message, "first");
  EXPECT_EQ(sorted[1].excerpt, "two");
  EXPECT_EQ(problems.complaints(), 3u);
}

TEST(Problems, a_thousand_are_cut_short) {
  const Source source("f", "one\n");
  Problems problems;
  for (unsigned i = 0; i < 1000; ++i) problems.add({&source, 1, i + 1}, "wrong");
  const auto sorted = problems.sorted();
  EXPECT_EQ(sorted.size(), 101u);
  EXPECT_EQ(sorted.back().message, "and 900 more problems like these");
}

TEST(Problems, a_long_line_is_shown_around_the_place) {
  const Source source("f", std::string(1000, 'a') + "X" + std::string(1000, 'b'));
  Problems problems;
  problems.add({&source, 1, 1001}, "here");
  const std::string text = to_string(problems.sorted()[0]);
  EXPECT_LT(text.size(), 400u);
  const auto line = text.find('X') - text.find('\n');
  const auto caret = text.find('^') - text.find('\n', text.find('X'));
  EXPECT_EQ(line, caret);
}

}  // namespace
}  // namespace crypelab::scenario::tree_test
