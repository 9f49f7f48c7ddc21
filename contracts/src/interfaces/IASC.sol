// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "./IDISSC.sol";

/// @title Authorising smart contract (ASC)
/// @notice An owner lets a cloud storage service (CSS) serve the consumers of a dataset, and prepays *fuel*: whoever records
/// the dataset through this contract earns the CSS a flat price a record, once an interval. Nobody administers, upgrades or
/// pauses this contract.
/// @dev Fuel is in the native coin. It leaves a grant only for records, to the CSS, and at the end, to the owner, as a credit
/// that waits for `withdraw`. Payment and record are one transaction.
///
///     authorise  –                  -> Proposed
///     drop       Proposed           -> Ended
///     accept     Proposed           -> Accepted
///     fund       Accepted                           fuel in
///     relay      Accepted                           perRecord for each record: fuel -> css
///     revoke     Accepted                           end = min(end, now + window); reads stop at once
///     end        Proposed, Accepted -> Ended        fuel -> owner
interface IASC {
    enum State {
        None,
        Proposed,
        Accepted,
        Ended
    }

    /// @notice What an owner lets a CSS do. It never changes.
    /// @param dataset The dataset's id
    /// @param css The account of the CSS
    /// @param perRecord What the CSS earns for a record, however many blocks have come, in wei
    /// @param first The first block that consumers may see
    /// @param count The number of blocks that they may see, recorded already or not, one at least
    /// @param kinds What they may see: 1 for digests (Protocol III), 2 for blocks (Protocol IV), 3 for both
    /// @param maxBlocks How many distinct blocks an agreement's consumer may see
    /// @param window Seconds for which the CSS is still paid after a revocation
    /// @param interval Seconds in which one record is paid for; zero: each is
    /// @param until When the grant ends by itself; at most 5 years ahead
    struct Terms {
        bytes32 dataset;
        address css;
        uint96 perRecord;
        uint64 first;
        uint64 count;
        uint8 kinds;
        uint32 maxBlocks;
        uint32 window;
        uint32 interval;
        uint64 until;
    }

    /// @notice All there is to know about a grant.
    /// @param terms As proposed
    /// @param state Where the grant stands
    /// @param end From when on it is over: `until`, or earlier after a revocation
    /// @param revoked Whether it was revoked: reads have stopped, and records are paid until the end
    /// @param fuel What is left to pay for records with, in wei
    /// @param owner The dataset's owner
    /// @param paidAt The second in which a record was last paid for; zero before the first
    struct Grant {
        Terms terms;
        State state;
        uint64 end;
        bool revoked;
        uint128 fuel;
        address owner;
        uint64 paidAt;
    }

    /// @notice An owner proposes a grant.
    event Proposed(
        bytes32 indexed id, bytes32 indexed dataset, address indexed css, address owner, uint256 nonce, Terms terms
    );

    /// @notice The CSS has accepted.
    event Accepted(bytes32 indexed id);

    /// @notice Somebody has put in fuel.
    event Funded(bytes32 indexed id, address indexed from, uint256 amount);

    /// @notice The dataset was recorded up to `size` blocks, and `paid` was credited to the CSS.
    event Relayed(bytes32 indexed id, uint64 size, uint256 paid);

    /// @notice An update was not recorded, or not even forwarded, and is not paid for.
    /// @param reason The selector of one of the errors below
    event NotRelayed(bytes32 indexed id, bytes32 indexed dataset, bytes4 reason);

    /// @notice Reads have stopped; the grant is over at `end`.
    event Revoked(bytes32 indexed id, address by, uint64 end);

    /// @notice The grant is over. `fuel`, what was left of it, was credited to the owner.
    event Ended(bytes32 indexed id, uint256 fuel);

    /// @notice An account has taken out its credit.
    event Withdrawn(address indexed account, address to, uint256 amount);

    /// @notice Only the dataset's owner can authorise a CSS: name and kind are not those of a dataset of the caller's.
    error ASC_NotDatasetOwner(bytes32 dataset, address caller, bytes32 name, uint8 kind);

    /// @notice A CSS is an account, never zero.
    error ASC_ZeroCss();

    /// @notice Money goes to an account, never to zero.
    error ASC_ZeroReceiver();

    /// @notice The range has one block at least and ends before block 2^64 - 1.
    error ASC_BadRange(uint64 first, uint64 count);

    /// @notice `kinds` is 1, 2 or 3.
    error ASC_BadKinds(uint8 kinds);

    /// @notice A grant ends in the future, at the latest at `maximum`.
    error ASC_BadUntil(uint64 until, uint256 timestamp, uint256 maximum);

    /// @notice The grant's state does not allow this; unknown grants are in state `None`. Also a reason not to forward.
    error ASC_WrongState(bytes32 id, State state);

    /// @notice Neither the owner's nor the CSS's account, as the call demands.
    error ASC_NotAllowed(bytes32 id, address caller);

    /// @notice The grant is over. Also a reason not to forward.
    error ASC_Over(bytes32 id, uint256 timestamp, uint64 end);

    /// @notice The grant is not over before `end`.
    error ASC_NotOver(bytes32 id, uint256 timestamp, uint64 end);

    /// @notice Fuel is more than nothing.
    error ASC_NoValue(bytes32 id);

    /// @notice Every update needs one grant.
    error ASC_LengthMismatch(uint256 grants, uint256 updates);

    /// @notice The caller has no credit.
    error ASC_NoCredit(address account);

    // Reasons not to relay one update. They travel as selectors and never revert, so they carry nothing.

    /// @notice The update is for another dataset than the grant.
    error ASC_WrongDataset();

    /// @notice The interval since the last record that was paid for has not passed.
    error ASC_TooEarly();

    /// @notice The fuel does not pay for a record.
    error ASC_TooLittleFuel();

    /// @notice DISSC has refused the update, and says why in an event of its own.
    error ASC_Refused();

    /// @notice Proposes a grant. Its id is `keccak256(abi.encode(block.chainid, this contract, owner, nonce, terms))`. The
    /// dataset need not be on the chain.
    /// @param name The dataset's name
    /// @param kind The dataset's kind
    /// @param terms What the CSS may do, and earns
    /// @return id The grant's id
    function authorise(bytes32 name, uint8 kind, Terms calldata terms) external returns (bytes32 id);

    /// @notice The owner takes back a proposal.
    /// @param id The grant's id
    function drop(bytes32 id) external;

    /// @notice The CSS accepts a proposal.
    /// @param id The grant's id
    function accept(bytes32 id) external;

    /// @notice Puts in fuel. Anyone may; what is left at the end is the owner's.
    /// @param id The grant's id
    function fund(bytes32 id) external payable;

    /// @notice Sends charters and updates to DISSC in one call of `record`, and pays for the updates that it accepts. Anyone may;
    /// the CSS earns. An update is forwarded if its grant is accepted and not over, is for the update's dataset, has paid for
    /// no record within its interval, and has fuel for one: after those that stand before it in the call. Charters are as when
    /// anyone sends them to DISSC: with the owner's signature, and without an anchorer.
    /// @param grants For each update the grant that pays for it
    /// @param charters The charters, which cost nothing here
    /// @param updates The updates
    /// @return reasons For each update zero if it was recorded and paid for, else the selector of the error that says why not
    function relay(bytes32[] calldata grants, IDISSC.Charter[] calldata charters, IDISSC.Update[] calldata updates)
        external
        returns (bytes4[] memory reasons);

    /// @notice The owner or the CSS ends a grant early: at once for reads, after `window` for records.
    /// @dev A second revocation changes nothing.
    /// @param id The grant's id
    function revoke(bytes32 id) external;

    /// @notice Puts an end to a grant that is over. Anyone may; the fuel that is left is the owner's.
    /// @param id The grant's id
    function end(bytes32 id) external;

    /// @notice Takes out all that the caller is credited with.
    /// @param to Where it goes
    function withdraw(address to) external;

    /// @notice The contract that holds the datasets' heads.
    function dissc() external view returns (IDISSC);

    /// @notice A grant; zeros, in state `None`, when unknown.
    function grant(bytes32 id) external view returns (Grant memory);

    /// @notice Whether the CSS may serve consumers: the grant is accepted, not revoked and not over.
    function readable(bytes32 id) external view returns (bool);

    /// @notice How many grants an owner has proposed: the nonce of the next one.
    function proposals(address owner) external view returns (uint256);

    /// @notice What the contract owes an account.
    function credit(address account) external view returns (uint256);
}
