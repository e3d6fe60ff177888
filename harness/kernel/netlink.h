#pragma once

#include "harness/base/address.h"
#include "harness/base/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct nl_msg;
struct nlmsghdr;

namespace crypelab::kernel {

// One netlink request under construction: a header, the family's own header, then attributes (rtnetlink(7)).
class NetlinkMessage {
 public:
  // `type` and `flags` as in <linux/rtnetlink.h> and <linux/netlink.h>; NLM_F_REQUEST is added.
  NetlinkMessage(int type, int flags);
  ~NetlinkMessage();
  NetlinkMessage(const NetlinkMessage&) = delete;
  NetlinkMessage& operator=(const NetlinkMessage&) = delete;

  // The family's header (ifinfomsg, rtmsg, ...); first, and once. Inside a nest also the peer's of a veth.
  template <class Header>
  void header(const Header& header) {
    append(&header, sizeof header);
  }
  void put(int attribute, const void* data, std::size_t size);
  void put_flag(int attribute) { put(attribute, nullptr, 0); }
  void put_u8(int attribute, std::uint8_t value) { put(attribute, &value, sizeof value); }
  void put_u32(int attribute, std::uint32_t value) { put(attribute, &value, sizeof value); }
  void put_u64(int attribute, std::uint64_t value) { put(attribute, &value, sizeof value); }
  void put_string(int attribute, std::string_view text);
  void put_address(int attribute, const Address& address);
  // Attributes that `fill` puts become the content of `attribute`.
  void nest(int attribute, const std::function<void()>& fill);

  nlmsghdr* bytes() const;

 private:
  struct Free {
    void operator()(nl_msg* message) const;
  };
  void append(const void* data, std::size_t size);

  std::unique_ptr<nl_msg, Free> message_;
};

// What the kernel answered to a request: 0, or an errno with its own words (extended acknowledgement) where it has any.
struct NetlinkAnswer {
  int error = 0;
  std::string words;
};

// A netlink socket; it belongs for good to the network namespace that its thread was in when it was opened.
class NetlinkSocket {
 public:
  explicit NetlinkSocket(int protocol);  // NETLINK_ROUTE, NETLINK_NETFILTER

  // Sends and waits for the kernel's acknowledgement. Throws Failure "what: reason (kernel's words)". `feature` names
  // what the kernel may have been built without, for example "veth (CONFIG_VETH)": the failure then says so, and what
  // to do.
  void request(const NetlinkMessage& message, std::string_view what, std::string_view feature = {});
  // The same for callers to whom a refusal is an answer.
  NetlinkAnswer ask(const NetlinkMessage& message);
  // Sends these messages as one datagram, a transaction of nf_tables (NFNL_MSG_BATCH_BEGIN and END around it), and
  // waits for the acknowledgement of the one that asks for it (NLM_F_ACK), or for the first refusal.
  NetlinkAnswer ask_batch(std::initializer_list<const NetlinkMessage*> messages);
  // Asks for one object, and gives the kernel's message to `take`. Throws like request().
  void get(const NetlinkMessage& message, std::string_view what, const std::function<void(const nlmsghdr&)>& take);
  // Asks for all objects of a kind (NLM_F_DUMP). They may change while they are listed: then `forget` is called and the
  // list starts again, ten times at most. Throws like request().
  void list(const NetlinkMessage& message, std::string_view what, const std::function<void(const nlmsghdr&)>& take,
            const std::function<void()>& forget);

 private:
  std::uint32_t send(const NetlinkMessage& message, int extra_flags);
  NetlinkAnswer receive(std::uint32_t sequence, const std::function<void(const nlmsghdr&)>& take, bool& interrupted);

  Descriptor socket_;
  std::uint32_t sequence_ = 0;
};

// Throws the Failure that request() throws, for an answer that the caller has looked at.
[[noreturn]] void throw_refusal(const NetlinkAnswer& answer, std::string_view what, std::string_view feature = {});

}  // namespace crypelab::kernel
