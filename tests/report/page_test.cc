#include "../unit/report/made_run.h"
#include "browser.h"

#include <gtest/gtest.h>

// The report's one page, as a browser shows it: the text that its script draws.
namespace crypelab::report::page_test {
namespace {

class Page : public testing::Test {
 protected:
  static std::string open(const std::string& fragment = "") {
    auto document = document_of(to_html(made_run()), fragment);
    EXPECT_FALSE(between(document, "data-ready=\"", "\"").empty()) << "its script did not come to its end";
    return document;
  }
  static std::string section(const std::string& document, const std::string& id) {
    return between(document, "<section id=\"" + id + "\"", "</section>");
  }
};

TEST_F(Page, counts_outcomes_and_paths) {
  const auto summary = section(open(), "summary");
  for (const auto* outcome :
       {"pass", "fail", "wrong-path", "unclear-error", "inconclusive", "unsupported", "non-strict"}) {
    EXPECT_NE(summary.find(std::string("<div class=\"tile ") + outcome + "\"><b>1</b>"), std::string::npos) << outcome;
  }
  EXPECT_NE(summary.find("6 of 7 connected; 6 of them by TURN over TCP or TLS."), std::string::npos) << summary;
  EXPECT_NE(summary.find("not covered"), std::string::npos);
}

TEST_F(Page, draws_a_row_for_each_network_with_a_word_beside_each_colour) {
  const auto matrix = section(open(), "matrix");
  std::size_t buttons = 0;
  for (auto at = matrix.find("<button"); at != std::string::npos; at = matrix.find("<button", at + 1)) ++buttons;
  EXPECT_EQ(buttons, 7U);
  EXPECT_NE(matrix.find("proxy/s33-basic/basic"), std::string::npos);
  EXPECT_NE(matrix.find("relay-tls+px 800 ms"), std::string::npos) << matrix.substr(0, 2'000);
  EXPECT_NE(matrix.find("nat/s10-rebinding"), std::string::npos);
}

TEST_F(Page, a_link_into_it_opens_the_cell) {
  EXPECT_EQ(section(open(), "detail").find("What happened"), std::string::npos);
  const auto detail = section(open("c=proxy%2Fs33-basic%2Fbasic%7Ccrypelab-client"), "detail");
  for (const auto* part : {"What happened", "Evidence: ", "Network", "relay-tls+px", "carried the data", "not tried",
                           "Time to connect: 800 ms", "Round-trip times", "Data that arrived, by packets",
                           "All sources, by time", "PROXY_AUTH_FAILED"}) {
    EXPECT_NE(detail.find(part), std::string::npos) << part;
  }
}

TEST_F(Page, the_ceiling_of_the_lab_itself_stands_beside_the_throughput) {
  const auto detail = section(open("c=proxy%2Fs33-basic%2Fbasic%7Ccrypelab-client"), "detail");
  EXPECT_NE(
      detail.find("send: 10.00 Mbit/s in 3 s, as it said; the lab itself 12.50 Mbit/s, the smaller of office.proxy "
                  "up by tcp 12.50 Mbit/s and bob down by udp 600.00 Mbit/s"),
      std::string::npos)
      << detail;
  EXPECT_NE(detail.find("<line class=\"ceiling\""), std::string::npos);
}

TEST_F(Page, a_filter_in_the_link_leaves_what_it_names) {
  const auto document = open("q=s33-basic");
  EXPECT_NE(document.find("1 of 7 networks"), std::string::npos);
  EXPECT_EQ(section(document, "matrix").find("udp/fail"), std::string::npos);
}

TEST_F(Page, what_a_client_wrote_is_text) {
  const auto document = open("c=proxy%2Fs33-basic%2Fbasic%7Ccrypelab-client");
  EXPECT_NE(section(document, "detail").find("&lt;img src=x"), std::string::npos);
  EXPECT_EQ(document.find("<img src=\"x\""), std::string::npos);
}

}  // namespace
}  // namespace crypelab::report::page_test
