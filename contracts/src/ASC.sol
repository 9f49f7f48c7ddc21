// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { DatasetId } from "./identity/DatasetId.sol";
import { IASC } from "./interfaces/IASC.sol";
import { IDISSC } from "./interfaces/IDISSC.sol";

/// @title ASC
/// @dev Calls DISSC, which calls nothing, and receivers of the native coin, which may call back: every function that changes
/// anything is behind one guard. There is no `receive`: what no call asks for is not taken.
contract ASC is IASC, ReentrancyGuardTransient {
    using SafeCast for uint256;

    uint256 private constant MAX_DURATION = 5 * 365 days;
    uint8 private constant ALL_KINDS = 3;

    /// @inheritdoc IASC
    IDISSC public immutable dissc;

    mapping(bytes32 id => Grant) private _grants;
    /// @inheritdoc IASC
    mapping(address owner => uint256) public proposals;
    /// @inheritdoc IASC
    mapping(address account => uint256) public credit;

    /// @param dissc_ The contract that holds the datasets' heads
    constructor(IDISSC dissc_) {
        dissc = dissc_;
    }

    /// @inheritdoc IASC
    function authorise(bytes32 name, uint8 kind, Terms calldata terms) external nonReentrant returns (bytes32 id) {
        // Check: the caller owns the dataset, the terms are possible
        if (DatasetId.compute(address(dissc), msg.sender, name, kind) != terms.dataset) {
            revert ASC_NotDatasetOwner(terms.dataset, msg.sender, name, kind);
        }
        if (terms.css == address(0)) revert ASC_ZeroCss();
        if (terms.count == 0 || terms.count > type(uint64).max - terms.first) {
            revert ASC_BadRange(terms.first, terms.count);
        }
        if (terms.kinds == 0 || terms.kinds > ALL_KINDS) revert ASC_BadKinds(terms.kinds);
        if (terms.until <= block.timestamp || terms.until > block.timestamp + MAX_DURATION) {
            revert ASC_BadUntil(terms.until, block.timestamp, block.timestamp + MAX_DURATION);
        }

        // Effect
        uint256 nonce = proposals[msg.sender]++;
        id = keccak256(abi.encode(block.chainid, address(this), msg.sender, nonce, terms));
        Grant storage g = _grants[id];
        g.terms = terms;
        g.owner = msg.sender;
        g.state = State.Proposed;
        g.end = terms.until;

        // Log
        emit Proposed(id, terms.dataset, terms.css, msg.sender, nonce, terms);
    }

    /// @inheritdoc IASC
    function drop(bytes32 id) external nonReentrant {
        // Check: the owner takes back what was not accepted
        Grant storage g = _in(id, State.Proposed);
        if (msg.sender != g.owner) revert ASC_NotAllowed(id, msg.sender);

        // Effect: there is no fuel yet
        g.state = State.Ended;

        // Log
        emit Ended(id, 0);
    }

    /// @inheritdoc IASC
    function accept(bytes32 id) external nonReentrant {
        // Check: the CSS accepts in time
        Grant storage g = _in(id, State.Proposed);
        if (msg.sender != g.terms.css) revert ASC_NotAllowed(id, msg.sender);
        _checkNotOver(id, g);

        // Effect
        g.state = State.Accepted;

        // Log
        emit Accepted(id);
    }

    /// @inheritdoc IASC
    function fund(bytes32 id) external payable nonReentrant {
        // Check: there is something to pay with, and for
        Grant storage g = _in(id, State.Accepted);
        _checkNotOver(id, g);
        if (msg.value == 0) revert ASC_NoValue(id);

        // Effect
        g.fuel += msg.value.toUint128();

        // Log
        emit Funded(id, msg.sender, msg.value);
    }

    /// @inheritdoc IASC
    function relay(bytes32[] calldata grants, IDISSC.Charter[] calldata charters, IDISSC.Update[] calldata updates)
        external
        nonReentrant
        returns (bytes4[] memory reasons)
    {
        // Check: a grant for each update
        if (grants.length != updates.length) revert ASC_LengthMismatch(grants.length, updates.length);

        // Effect: set aside the fuel for what can be forwarded
        reasons = new bytes4[](updates.length);
        uint64[] memory paidBefore = _paidAt(grants);
        uint256 forwarded = 0;
        for (uint256 i = 0; i < updates.length; ++i) {
            reasons[i] = _reserve(grants[i], updates[i].dataset);
            if (reasons[i] == 0) ++forwarded;
        }

        // Interact: DISSC calls nobody
        bool[] memory accepted = dissc.record(charters, _forwarded(updates, reasons, forwarded));

        // Effect: for what was refused, it is as if nothing had been
        uint256 next = 0;
        for (uint256 i = 0; i < updates.length; ++i) {
            if (reasons[i] != 0 || accepted[next++]) continue;
            reasons[i] = ASC_Refused.selector;
            Grant storage g = _grants[grants[i]];
            g.fuel += g.terms.perRecord;
            g.paidAt = paidBefore[i];
        }

        // Effect, Log: the CSS gets what was set aside for the others, which begin an interval
        for (uint256 i = 0; i < updates.length; ++i) {
            if (reasons[i] != 0) {
                emit NotRelayed(grants[i], updates[i].dataset, reasons[i]);
                continue;
            }
            Grant storage g = _grants[grants[i]];
            g.paidAt = uint64(block.timestamp);
            credit[g.terms.css] += g.terms.perRecord;
            emit Relayed(grants[i], updates[i].size, g.terms.perRecord);
        }
    }

    /// @inheritdoc IASC
    function revoke(bytes32 id) external nonReentrant {
        // Check: one of the two wants no more
        Grant storage g = _in(id, State.Accepted);
        if (msg.sender != g.owner && msg.sender != g.terms.css) revert ASC_NotAllowed(id, msg.sender);

        // Effect: no reads from now on, records for a while
        uint64 last = uint64(block.timestamp) + g.terms.window;
        if (last < g.end) g.end = last;
        g.revoked = true;

        // Log
        emit Revoked(id, msg.sender, g.end);
    }

    /// @inheritdoc IASC
    function end(bytes32 id) external nonReentrant {
        // Check: it is over, and nobody has said so yet
        Grant storage g = _grants[id];
        if (g.state != State.Proposed && g.state != State.Accepted) revert ASC_WrongState(id, g.state);
        if (block.timestamp < g.end) revert ASC_NotOver(id, block.timestamp, g.end);

        // Effect: what is left goes back
        uint256 fuel = g.fuel;
        g.state = State.Ended;
        g.fuel = 0;
        credit[g.owner] += fuel;

        // Log
        emit Ended(id, fuel);
    }

    /// @inheritdoc IASC
    function withdraw(address to) external nonReentrant {
        // Check: there is something to take out, and somebody to give it to
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert ASC_NoCredit(msg.sender);
        if (to == address(0)) revert ASC_ZeroReceiver();

        // Effect
        credit[msg.sender] = 0;

        // Log
        emit Withdrawn(msg.sender, to, amount);

        // Interact
        Address.sendValue(payable(to), amount);
    }

    /// @inheritdoc IASC
    function grant(bytes32 id) external view returns (Grant memory) {
        return _grants[id];
    }

    /// @inheritdoc IASC
    function readable(bytes32 id) external view returns (bool) {
        Grant storage g = _grants[id];
        return g.state == State.Accepted && !g.revoked && block.timestamp < g.end;
    }

    /// @dev When each of these grants has last paid.
    function _paidAt(bytes32[] calldata grants) private view returns (uint64[] memory times) {
        times = new uint64[](grants.length);
        for (uint256 i = 0; i < grants.length; ++i) {
            times[i] = _grants[grants[i]].paidAt;
        }
    }

    /// @dev Sets aside the fuel for a record, and begins an interval.
    /// @return reason Zero, or why the update is not to be forwarded
    function _reserve(bytes32 id, bytes32 dataset) private returns (bytes4 reason) {
        Grant storage g = _grants[id];
        if (g.state != State.Accepted) return ASC_WrongState.selector;
        if (block.timestamp >= g.end) return ASC_Over.selector;
        if (dataset != g.terms.dataset) return ASC_WrongDataset.selector;
        // Nothing has been paid for yet where `paidAt` is zero
        if (g.paidAt != 0 && block.timestamp < uint256(g.paidAt) + g.terms.interval) return ASC_TooEarly.selector;
        if (g.fuel < g.terms.perRecord) return ASC_TooLittleFuel.selector;
        g.fuel -= g.terms.perRecord;
        g.paidAt = uint64(block.timestamp);
    }

    /// @dev The updates that no reason speaks against.
    function _forwarded(IDISSC.Update[] calldata updates, bytes4[] memory reasons, uint256 count)
        private
        pure
        returns (IDISSC.Update[] memory forwarded)
    {
        forwarded = new IDISSC.Update[](count);
        uint256 next = 0;
        for (uint256 i = 0; i < updates.length; ++i) {
            if (reasons[i] == 0) forwarded[next++] = updates[i];
        }
    }

    /// @dev The grant, which must be in one state.
    function _in(bytes32 id, State state) private view returns (Grant storage g) {
        g = _grants[id];
        if (g.state != state) revert ASC_WrongState(id, g.state);
    }

    function _checkNotOver(bytes32 id, Grant storage g) private view {
        if (block.timestamp >= g.end) revert ASC_Over(id, block.timestamp, g.end);
    }
}
