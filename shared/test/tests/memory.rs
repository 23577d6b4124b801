//! The in-memory store fulfils the store contract.

use taskbell_test::{Memory, contract_tests};

contract_tests!(async { (Memory::default(), ()) });
