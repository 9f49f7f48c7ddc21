// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { vm } from "../Cheats.sol";
import { DisscModel } from "../model/DisscTest.sol";

/// @title A test with an ASC and two datasets of one owner
abstract contract AscTest is DisscModel {
    uint256 internal constant OWNER_KEY = 0xA11CE;
    address internal constant CSS = address(0xC55);
    address internal constant STRANGER = address(0xBAD);
    uint96 internal constant PER_RECORD = 31;
    uint32 internal constant WINDOW = 3600;
    uint32 internal constant INTERVAL = 300;
    uint64 internal constant NOW = 1_800_000_000;
    uint64 internal constant UNTIL = NOW + 30 days;

    address internal immutable OWNER = vm.addr(OWNER_KEY);

    IASC internal asc;
    Model internal model;
    Model internal second;

    function setUp() public virtual {
        vm.warp(NOW);
        dissc = _deploy();
        asc = IASC(vm.deployCode("ASC.sol:ASC", abi.encode(address(dissc))));
        _open(model, OWNER_KEY, "one", 0xD0);
        _open(second, OWNER_KEY, "two", 2, 0xD1);
        vm.deal(OWNER, 1e24);
        vm.deal(STRANGER, 1e24);
    }

    function _terms() internal view returns (IASC.Terms memory terms) {
        terms.dataset = model.dataset;
        terms.css = CSS;
        terms.first = 0;
        terms.count = type(uint64).max;
        terms.kinds = 3;
        terms.maxBlocks = 500;
        terms.perRecord = PER_RECORD;
        terms.window = WINDOW;
        terms.interval = INTERVAL;
        terms.until = UNTIL;
    }

    function _authorise(IASC.Terms memory terms) internal returns (bytes32) {
        bool isSecond = terms.dataset == second.dataset;
        vm.prank(OWNER);
        return asc.authorise(isSecond ? bytes32("two") : bytes32("one"), isSecond ? 2 : 0, terms);
    }

    /// @dev An accepted grant for a dataset, with fuel.
    function _grant(bytes32 dataset, uint256 fuel) internal returns (bytes32 id) {
        IASC.Terms memory terms = _terms();
        terms.dataset = dataset;
        id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, fuel);
    }

    function _fund(bytes32 id, uint256 fuel) internal {
        if (fuel == 0) return;
        vm.prank(STRANGER);
        asc.fund{ value: fuel }(id);
    }

    function _assertState(bytes32 id, IASC.State state) internal view {
        vm.assertEq(uint256(asc.grant(id).state), uint256(state), "state");
    }

    /// @dev All credits there are, and the balance that covers them together with `fuel`.
    function _assertMoney(uint256 owners, uint256 csss, uint256 fuel) internal view {
        vm.assertEq(asc.credit(OWNER), owners, "the owner's credit");
        vm.assertEq(asc.credit(CSS), csss, "the CSS's credit");
        vm.assertEq(asc.credit(STRANGER), 0, "a stranger's credit");
        vm.assertEq(address(asc).balance, owners + csss + fuel, "the contract's balance");
    }

    function _wrongState(bytes32 id, IASC.State state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IASC.ASC_WrongState.selector, id, state);
    }

    function _notAllowed(bytes32 id, address caller) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IASC.ASC_NotAllowed.selector, id, caller);
    }
}
