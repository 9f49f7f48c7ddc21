// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { OddToken } from "../model/OddToken.sol";
import { SaleModel } from "../model/SaleModel.sol";

/// @title What tests of OCASC share: a recorded dataset, its owner, a consumer, and an agreement between them
abstract contract OcascModel is SaleModel {
    address internal constant AGENT = address(0xA6E47);
    address internal constant CONSUMER = address(0xC0);
    address internal constant STRANGER = address(0xBAD);
    uint256 internal constant OWNER_ACCOUNT_KEY = 0xA11CE;
    uint256 internal constant SIGNER_KEY = 0x516E;
    uint256 internal constant DEVICE_KEY = 0xD0;
    bytes32 internal constant OWNER_KEY = "the owner's X25519 key";
    bytes32 internal constant CONSUMER_KEY = "the consumer's X25519 key";
    uint32 internal constant MIN_WINDOW = 60;
    uint256 internal constant ANSWER_GAS = 130_000;
    uint256 internal constant DEMAND_GAS = 80_000;

    IOCASC internal ocasc;

    function _deployOcasc() internal returns (IOCASC) {
        return _deployOcasc(MIN_WINDOW, ANSWER_GAS, DEMAND_GAS);
    }

    function _deployOcasc(uint32 minWindow, uint256 answerGas, uint256 demandGas) internal returns (IOCASC) {
        return IOCASC(vm.deployCode("OCASC.sol:OCASC", abi.encode(address(dissc), minWindow, answerGas, demandGas)));
    }

    /// @dev By a signer's key, for this contract on this chain.
    function _voucher(uint256 key, bytes32 id, uint128 due) internal view returns (bytes memory) {
        return _sign(key, _voucherDigest(block.chainid, address(ocasc), id, due));
    }

    function _voucherDigest(uint256 chainId, address verifyingContract, bytes32 id, uint128 due)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Plumbline OCASC"),
                keccak256("2"),
                chainId,
                verifyingContract
            )
        );
        bytes32 structHash = keccak256(abi.encode(keccak256("Voucher(bytes32 agreement,uint128 due)"), id, due));
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }
}

/// @title A test with an OCASC, a dataset of 27 blocks of which ten have bytes, and a token
abstract contract OcascTest is OcascModel {
    uint128 internal constant PRICE = 1003;
    uint128 internal constant FEE = 17;
    uint128 internal constant BOND = 2011;
    uint96 internal constant STAKE = 29;
    uint32 internal constant WINDOW = 3600;
    uint32 internal constant GRACE = 900;
    uint32 internal constant DURATION = 7 days;
    uint64 internal constant NOW = 1_800_000_000;
    uint64 internal constant DEADLINE = NOW + WINDOW;
    uint64 internal constant SIZE = 27;

    address internal immutable OWNER = vm.addr(OWNER_ACCOUNT_KEY);

    Model internal model;
    Shelf[2] internal shelves;
    OddToken internal token;
    /// @dev What price and bond are in: zero for the native coin. Tests of money run with both.
    address internal currency;

    function setUp() public virtual {
        vm.warp(NOW);
        dissc = _deploy();
        ocasc = _deployOcasc();
        token = new OddToken();
        _open(model, OWNER_ACCOUNT_KEY, "sold", DEVICE_KEY);
        // Blocks 4 to 11 and 14 to 15
        _grow(model, 4);
        uint256[] memory sizes = new uint256[](8);
        (sizes[0], sizes[1], sizes[2], sizes[3]) = (1, 1024, 1025, 5000);
        (sizes[4], sizes[5], sizes[6], sizes[7]) = (31, 2048, 3073, 7168);
        _shelve(model, shelves[0], _blocks(sizes));
        _grow(model, 14);
        _shelve(model, shelves[1], _blocks(_sizes(4096, 6000)));
        _grow(model, SIZE);
        address[4] memory rich = [OWNER, CONSUMER, STRANGER, address(this)];
        for (uint256 i = 0; i < rich.length; ++i) {
            vm.deal(rich[i], 1e24);
            token.mint(rich[i], 1e24);
            vm.prank(rich[i]);
            token.approve(address(ocasc), type(uint256).max);
        }
    }

    // ------------------------------------------------------------------------------------------------------ agreements

    function _terms() internal view returns (IOCASC.Terms memory terms) {
        terms.dataset = model.dataset;
        terms.first = 4;
        terms.count = 12;
        terms.token = currency;
        terms.price = PRICE;
        terms.fee = FEE;
        terms.bond = BOND;
        terms.stake = STAKE;
        terms.maxChallenges = 3;
        terms.maxDemands = 2;
        terms.samples = 5;
        terms.previews = 2;
        terms.window = WINDOW;
        terms.duration = DURATION;
        terms.acceptBy = uint64(block.timestamp) + 1 days;
    }

    function _offer(IOCASC.Terms memory terms) internal returns (bytes32) {
        return _offerOf(model, terms);
    }

    function _offerOf(Model storage of_, IOCASC.Terms memory terms) internal returns (bytes32) {
        (bytes32 name, uint8 kind) = (of_.name, of_.kind);
        uint256 value = _value(terms.token, terms.bond);
        vm.prank(OWNER);
        return ocasc.offer{ value: value }(name, kind, terms, AGENT, OWNER_KEY);
    }

    function _accept(bytes32 id) internal {
        IOCASC.Terms memory terms = ocasc.agreement(id).terms;
        vm.prank(CONSUMER);
        ocasc.accept{ value: _value(terms.token, terms.price) }(id, vm.addr(SIGNER_KEY), CONSUMER_KEY);
    }

    function _agree() internal returns (bytes32 id) {
        id = _offer(_terms());
        _accept(id);
    }

    function _challenge(bytes32 id, uint64 blockIndex, uint32 seed) internal {
        vm.prank(CONSUMER);
        ocasc.challenge{ value: STAKE }(id, blockIndex, seed);
    }

    function _demand(bytes32 id, uint64 blockIndex) internal {
        vm.prank(CONSUMER);
        ocasc.demandKey(id, blockIndex);
    }

    /// @dev An agreement with an open challenge.
    function _dispute() internal returns (bytes32 id) {
        id = _agree();
        _challenge(id, 7, 1);
    }

    /// @dev An agreement with an open demand, of block 7: the fourth, when 6 are paid for.
    function _disputeKey() internal returns (bytes32 id) {
        id = _agree();
        _claim(id, 510);
        _demand(id, 7);
    }

    /// @dev From an open question to a breach.
    function _breachNow(bytes32 id) internal {
        vm.warp(ocasc.agreement(id).challenge.deadline + 1);
        ocasc.lapse(id);
        vm.warp(ocasc.agreement(id).graceEnd + 1);
        ocasc.breach(id);
    }

    /// @dev What the owner can show of a block.
    function _honest(bytes32 id, uint64 blockIndex, uint32 seed) internal view returns (IOCASC.Answer memory) {
        return _answer(model, shelves[blockIndex < 12 ? 0 : 1], blockIndex, seed, _sizeOf(id));
    }

    function _honestKey(bytes32 id, uint64 blockIndex) internal view returns (IOCASC.Answer memory) {
        return _keyAnswer(model, shelves[blockIndex < 12 ? 0 : 1], blockIndex, _sizeOf(id));
    }

    function _sizeOf(bytes32 id) private view returns (uint64 size) {
        size = ocasc.agreement(id).size;
        if (size == 0) size = SIZE;
    }

    function _claim(bytes32 id, uint128 due) internal {
        ocasc.claim(id, due, _voucher(SIGNER_KEY, id, due));
    }

    function _value(address of_, uint256 amount) internal pure returns (uint256) {
        return of_ == address(0) ? amount : 0;
    }

    function _sizes(uint256 one, uint256 two) internal pure returns (uint256[] memory sizes) {
        sizes = new uint256[](2);
        (sizes[0], sizes[1]) = (one, two);
    }

    /// @dev Agreements, or ids, in the states None, Offered, Cancelled, Breached, Closed. Time goes on to `NOW` + 4,502.
    function _others() internal returns (bytes32[5] memory ids) {
        ids = [bytes32("unknown"), _offer(_terms()), _offer(_terms()), _dispute(), _agree()];
        vm.prank(OWNER);
        ocasc.cancel(ids[2]);
        _breachNow(ids[3]);
        vm.prank(CONSUMER);
        ocasc.approve(ids[4]);
    }

    /// @dev One whose challenge has lapsed; its grace has 900 seconds to go.
    function _lapsed() internal returns (bytes32 id) {
        id = _dispute();
        vm.warp(ocasc.agreement(id).challenge.deadline + 1);
        ocasc.lapse(id);
    }

    // ---------------------------------------------------------------------------------------------------------- claims

    function _assertState(bytes32 id, IOCASC.State state) internal view {
        vm.assertEq(uint256(ocasc.agreement(id).state), uint256(state), "state");
    }

    /// @dev All credits there are in a token, and the balance that covers them together with `escrow`.
    function _assertMoney(address of_, uint256 owners, uint256 consumers, uint256 escrow) internal view {
        vm.assertEq(ocasc.credit(of_, OWNER), owners, "the owner's credit");
        vm.assertEq(ocasc.credit(of_, CONSUMER), consumers, "the consumer's credit");
        vm.assertEq(ocasc.credit(of_, STRANGER), 0, "a stranger's credit");
        vm.assertEq(ocasc.credit(of_, AGENT), 0, "the agent's credit");
        vm.assertEq(ocasc.credit(of_, vm.addr(SIGNER_KEY)), 0, "the signer's credit");
        uint256 balance = of_ == address(0) ? address(ocasc).balance : OddToken(of_).balanceOf(address(ocasc));
        vm.assertEq(balance, owners + consumers + escrow, "the contract's balance");
        if (of_ != address(0)) vm.assertEq(ocasc.owed(of_), balance, "owed");
    }

    function _wrongState(bytes32 id, IOCASC.State state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOCASC.OCASC_WrongState.selector, id, state);
    }

    function _notAllowed(bytes32 id, address caller, address allowed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOCASC.OCASC_NotAllowed.selector, id, caller, allowed);
    }

    function _tooLate(bytes32 id, uint256 limit) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOCASC.OCASC_TooLate.selector, id, block.timestamp, limit);
    }

    function _tooEarly(bytes32 id, uint256 limit) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOCASC.OCASC_TooEarly.selector, id, block.timestamp, limit);
    }
}
