#include "harness/base/units.h"

#include <gtest/gtest.h>

namespace crypelab::units_test {
namespace {

TEST(Units, a_quantity_without_a_unit_is_refused) {
  EXPECT_FALSE(parse_duration("20"));
  EXPECT_FALSE(parse_bit_rate("10"));
  EXPECT_FALSE(parse_byte_count("16"));
  EXPECT_FALSE(parse_ratio("0.1"));
  EXPECT_FALSE(parse_duration(""));
}

TEST(Units, durations_are_read_exactly) {
  EXPECT_EQ(*parse_duration("20ms"), Duration(20'000));
  EXPECT_EQ(*parse_duration("1.5s"), Duration(1'500'000));
  EXPECT_EQ(*parse_duration("2h4min"), Duration(7'440'000'000));
  EXPECT_FALSE(parse_duration("4min2h"));
  EXPECT_FALSE(parse_duration("0.0000001s"));
  EXPECT_FALSE(parse_duration("-1s"));
}

TEST(Units, huge_numbers_are_refused_and_do_not_wrap) {
  EXPECT_FALSE(parse_duration("99999999999999999999s"));
  EXPECT_FALSE(parse_duration("31h99999999min"));
  EXPECT_FALSE(parse_bit_rate("18446744073709551616bit"));
  EXPECT_FALSE(parse_byte_count("2048GiB"));
  EXPECT_FALSE(parse_ratio("100.1%"));
}

TEST(Units, what_is_printed_reads_back_as_the_same_value) {
  for (const char* text : {"20ms", "1.5s", "2min", "250us", "1h", "0us", "1.234ms"}) {
    const auto value = parse_duration(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*parse_duration(to_string(*value)), *value) << to_string(*value);
  }
  EXPECT_EQ(to_string(*parse_duration("20ms")), "20ms");
  EXPECT_EQ(to_string(*parse_bit_rate("1.5gbit")), "1.5gbit");
  EXPECT_EQ(to_string(*parse_ratio("0.1%")), "0.1%");
  EXPECT_EQ(to_string(*parse_ratio("25%")), "25%");
  EXPECT_EQ(to_string(*parse_byte_count("64KiB")), "65.536kB");
}

}  // namespace
}  // namespace crypelab::units_test
