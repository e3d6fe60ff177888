#pragma once

#include <cstdint>

// The numbers that the pcapng reader and writer share (draft-ietf-opsawg-pcapng-02).

namespace crypelab::wire::pcapng {

inline constexpr std::uint32_t section_block = 0x0A0D0D0A;
inline constexpr std::uint32_t interface_block = 1;
inline constexpr std::uint32_t names_block = 4;
inline constexpr std::uint32_t packet_block = 6;
inline constexpr std::uint32_t secrets_block = 0x0A;

inline constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
inline constexpr std::uint32_t tls_key_log = 0x544C534B;

inline constexpr std::uint16_t end_of_options = 0;
inline constexpr std::uint16_t comment_option = 1;
inline constexpr std::uint16_t hardware_option = 2;
inline constexpr std::uint16_t os_option = 3;
inline constexpr std::uint16_t application_option = 4;
inline constexpr std::uint16_t name_option = 2;
inline constexpr std::uint16_t description_option = 3;
inline constexpr std::uint16_t resolution_option = 9;
inline constexpr std::uint16_t offset_option = 14;
inline constexpr std::uint16_t flags_option = 2;

inline constexpr std::uint16_t end_of_records = 0;
inline constexpr std::uint16_t ipv4_record = 1;
inline constexpr std::uint16_t ipv6_record = 2;

}  // namespace crypelab::wire::pcapng
