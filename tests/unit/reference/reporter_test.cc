#include "clients/reference/event/reporter.h"

#include "harness/base/descriptor.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::client::event::reporter_test {
namespace {

boost::json::object said(const std::function<void(const Reporter&)>& say, std::vector<std::string> secrets = {}) {
  auto pipe = make_pipe();
  say(Reporter(pipe.writing.get(), Time::clock::now(), std::move(secrets)));
  pipe.writing.close();
  std::string text(70'000, '\0');
  const auto n = ::read(pipe.reading.get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  EXPECT_TRUE(text.ends_with("}\n")) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  return boost::json::parse(text).as_object();
}

TEST(Reporter, an_event_is_one_line_of_json_with_its_time) {
  const auto line =
      said([](const Reporter& r) { r.problem(transport::Problem::turn_tls_blocked, "turns.crype.test \"x\"\n", true); });
  EXPECT_EQ(line.at("event"), "problem");
  EXPECT_GE(line.at("t").as_double(), 0.0);
  EXPECT_EQ(line.at("code"), "TURN_TLS_BLOCKED");
  EXPECT_EQ(line.at("detail"), "turns.crype.test \"x\"\n");
  EXPECT_EQ(line.at("fatal"), true);
}

TEST(Reporter, secrets_never_get_through) {
  const auto line = said([](const Reporter& r) { r.closed("said hunter22 twice: hunter22"); }, {"hunter22"});
  EXPECT_EQ(line.at("reason"), "said [secret] twice: [secret]");
}

TEST(Reporter, hostile_text_makes_no_bad_line) {
  const auto line =
      said([](const Reporter& r) { r.closed("a\xff\xc0\x80\xed\xa0\x80z\xe2\x82\xac" + std::string(9'000, 'x')); });
  const std::string reason(line.at("reason").as_string());
  EXPECT_TRUE(reason.starts_with("a\xEF\xBF\xBD"));
  EXPECT_NE(reason.find("z\xe2\x82\xac"), std::string::npos);
  EXPECT_LT(reason.size(), 5'000U);
}

TEST(Reporter, a_path_is_told_in_the_words_of_the_w3c) {
  ice::PathInfo path;
  path.local.type = wire::IceCandidate::Type::relay;
  path.local.host = "192.0.2.7";
  path.local.port = 4444;
  path.over = ice::RelayedOver::tls;
  path.remote.host = "192.0.2.8";
  const auto line = said([&](const Reporter& r) { r.for_session(3).selected(path); });
  EXPECT_EQ(line.at("session"), 3);
  const auto& local = line.at("local").as_object();
  EXPECT_EQ(local.at("candidateType"), "relay");
  EXPECT_EQ(local.at("relayProtocol"), "tls");
  EXPECT_EQ(local.at("port"), 4444);
  EXPECT_EQ(line.at("remote").at("candidateType"), "host");
  EXPECT_FALSE(line.at("remote").as_object().contains("relayProtocol"));
}

}  // namespace
}  // namespace crypelab::client::event::reporter_test
