//! The in-memory store keeps the contract of the stores.

use taskbell_test::{Memory, contract_tests};

contract_tests!(async { (Memory::default(), ()) });
