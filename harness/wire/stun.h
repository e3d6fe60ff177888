#pragma once

// STUN (RFC 8489) with the attributes of TURN (RFC 8656), ICE (RFC 8445) and NAT behaviour discovery (RFC 5780).
#include "harness/wire/stun_attributes.h"   // values
#include "harness/wire/stun_credentials.h"  // keys, USERHASH, nonce cookie
#include "harness/wire/stun_integrity.h"    // checks on the raw bytes
#include "harness/wire/stun_message.h"      // reader
#include "harness/wire/stun_types.h"        // classes, methods, attribute types
#include "harness/wire/stun_writer.h"       // writer
