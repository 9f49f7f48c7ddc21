// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DatasetId } from "../src/identity/DatasetId.sol";
import { IDISSC } from "../src/interfaces/IDISSC.sol";
import { IOCASC } from "../src/interfaces/IOCASC.sol";
import { OCASC } from "../src/OCASC.sol";
import { vm } from "./Cheats.sol";

/// @dev A log of a hundred blocks, whatever the dataset.
contract HundredBlocks {
    function head(bytes32) external pure returns (uint64, bytes32) {
        return (100, bytes32(uint256(7)));
    }
}

/// @title Who gets what at each end of a sale, for every price, fee, bond and time
/// @dev Checked by halmos (analysis.md): arguments are all values of their type at once. forge does not run these.
contract SaleSymbolic {
    OCASC private ocasc;
    bytes32 private dataset;
    address private constant OWNER = address(0xa11ce);
    address private constant BUYER = address(0xb0b);
    bytes32 private constant NAME = "readings";
    uint32 private constant WINDOW = 100;
    uint256 private constant FUNDS = 1 ether;

    function setUp() public {
        address dissc = address(new HundredBlocks());
        ocasc = new OCASC(IDISSC(dissc), 1, 100_000, 60_000);
        dataset = DatasetId.compute(dissc, OWNER, NAME, 0);
    }

    /// @dev The owner gets price and bond; nobody else gets anything.
    function check_ApprovePaysTheOwnerAll(uint128 price, uint128 fee, uint128 bond) public {
        bytes32 id = _accepted(price, fee, bond);
        vm.prank(BUYER);
        ocasc.approve(id);
        assert(_credit(OWNER) == uint256(price) + bond && _credit(BUYER) == 0);
        assert(address(ocasc).balance == uint256(price) + bond);
    }

    /// @dev The owner from the end on, anybody a window later: the owner gets what is due and the bond, the buyer the rest.
    function check_CloseSplitsAtWhatIsDue(uint128 price, uint128 fee, uint128 bond, address caller, uint64 time)
        public
    {
        bytes32 id = _accepted(price, fee, bond);
        uint256 from = uint256(ocasc.agreement(id).end) + (caller == OWNER ? 0 : WINDOW);
        vm.assume(time >= block.timestamp);
        vm.warp(time);
        vm.prank(caller);
        try ocasc.close(id) {
            assert(time >= from);
            assert(_credit(OWNER) == uint256(fee) + bond && _credit(BUYER) == uint256(price) - fee);
        } catch {
            assert(time < from);
        }
    }

    /// @dev A breach takes a lapse behind the deadline and a grace behind the lapse; then the buyer gets all but what is due.
    function check_BreachTakesTwoSteps(uint128 price, uint128 fee, uint128 bond, uint64 lapsed, uint64 breached)
        public
    {
        bytes32 id = _accepted(price, fee, bond);
        vm.prank(BUYER);
        ocasc.challenge{ value: FUNDS }(id, 3, 9);
        uint64 deadline = ocasc.agreement(id).challenge.deadline;
        vm.assume(lapsed >= block.timestamp && breached >= lapsed && breached < 2 ** 60);
        vm.warp(lapsed);
        try ocasc.lapse(id) {
            assert(lapsed > deadline);
        } catch {
            assert(lapsed <= deadline);
            return;
        }
        uint256 grace = uint256(lapsed) + WINDOW / 4;
        vm.warp(breached);
        try ocasc.breach(id) {
            assert(breached > grace);
            assert(_credit(OWNER) == fee && _credit(BUYER) == uint256(price) - fee + bond + FUNDS);
        } catch {
            assert(breached <= grace);
        }
    }

    /// @dev Nobody but the buyer asks or approves, and nobody but the owner cancels.
    function check_StrangersMoveNothing(address stranger, uint64 blockIndex, uint32 seed) public {
        vm.assume(stranger != BUYER);
        bytes32 id = _accepted(10, 1, 5);
        vm.prank(stranger);
        try ocasc.approve(id) {
            assert(false);
        }
            catch { }
        vm.prank(stranger);
        try ocasc.quit(id) {
            assert(false);
        }
            catch { }
        vm.prank(stranger);
        try ocasc.cancel(id) {
            assert(false);
        }
            catch { }
        vm.deal(stranger, FUNDS);
        vm.prank(stranger);
        try ocasc.challenge{ value: FUNDS }(id, blockIndex, seed) {
            assert(false);
        }
            catch { }
        assert(ocasc.agreement(id).state == IOCASC.State.Active && _credit(stranger) == 0);
    }

    function _accepted(uint128 price, uint128 fee, uint128 bond) private returns (bytes32 id) {
        vm.assume(fee <= price && fee <= bond);
        vm.deal(OWNER, bond);
        vm.deal(BUYER, uint256(price) + FUNDS);
        IOCASC.Terms memory terms = _terms(price, fee, bond);
        vm.prank(OWNER);
        id = ocasc.offer{ value: bond }(NAME, 0, terms, address(1), bytes32(uint256(1)));
        vm.prank(BUYER);
        ocasc.accept{ value: price }(id, address(2), bytes32(uint256(1)));
    }

    function _terms(uint128 price, uint128 fee, uint128 bond) private view returns (IOCASC.Terms memory) {
        return IOCASC.Terms({
            dataset: dataset,
            first: 0,
            count: 10,
            token: address(0),
            price: price,
            fee: fee,
            bond: bond,
            stake: 5,
            maxChallenges: 1,
            maxDemands: 1,
            samples: 1,
            previews: 0,
            window: WINDOW,
            duration: 1000,
            acceptBy: type(uint64).max,
            consumer: address(0)
        });
    }

    function _credit(address account) private view returns (uint256) {
        return ocasc.credit(address(0), account);
    }
}
