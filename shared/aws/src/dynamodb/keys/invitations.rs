//! Keys of invitations, into spaces and to register.

use taskbell_domain::id::SpaceId;

use super::space_partition;

/// Key of an invitation.
pub fn invitation(space: SpaceId, address_hash: &str) -> (String, String) {
    (space_partition(space), format!("INVITATION#{address_hash}"))
}

/// Partition of the invitations into a space, and the prefix of their sort keys.
pub fn invitations_of(space: SpaceId) -> (String, &'static str) {
    (space_partition(space), "INVITATION#")
}

/// Key of the number of invitations into a space that were ever created.
pub fn invitation_book(space: SpaceId) -> (String, String) {
    (space_partition(space), "INVITATIONS".to_owned())
}

/// Key of the time at which an address was last invited into a space.
pub fn invited(space: SpaceId, address_hash: &str) -> (String, String) {
    (space_partition(space), format!("INVITED#{address_hash}"))
}

/// Key of the pointer from an invited address to the space.
pub fn invitation_pointer(space: SpaceId, address_hash: &str) -> (String, String) {
    (invitations_of_address(address_hash), space_partition(space))
}

/// Key of an operator's invitation of an address to register.
pub fn registration_invitation(address_hash: &str) -> (String, String) {
    (invitations_of_address(address_hash), "REGISTRATION".to_owned())
}

/// Partition of the pointers and of the invitation of an address.
pub fn invitations_of_address(address_hash: &str) -> String {
    format!("INVITEE#{address_hash}")
}

/// The hash of the address in the sort key of an invitation.
pub fn invited_address(sort: &str) -> Option<&str> {
    sort.strip_prefix("INVITATION#")
}
