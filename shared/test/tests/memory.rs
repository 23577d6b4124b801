//! The in-memory store fulfils the store contract.

use taskbell_test::{MemoryStore, contract_tests};

contract_tests!(async { (MemoryStore::default(), ()) });
