//! The stories of a session in a dedicated worker, where the page runs it.
// The stories tell of all families of models.
#![cfg(all(feature = "images", feature = "language", feature = "puzzles"))]
#![cfg(target_arch = "wasm32")]

mod stories;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

stories::run! {
    opens_on_the_cpu,
    products_and_their_gradients_are_right,
    training_lowers_the_loss,
    training_stops_at_max_iters,
    a_seed_gives_the_same_text_again_and_depth_changes_it,
    pulling_in_pieces_gives_the_same_text,
    validation_is_deterministic,
    a_saved_run_goes_on_exactly,
    an_exported_model_has_the_averaged_weights_that_were_scored,
    a_model_without_its_text_answers_but_does_not_train,
    a_trace_has_every_cycle,
    live_settings_change_and_settled_ones_do_not,
    memory_is_what_the_module_holds,
    a_benchmark_leaves_the_run_alone,
    sessions_that_share_a_batch_train_as_one_that_cuts_it,
    sessions_share_accumulated_batches_with_the_losses_of_one,
    images_are_shared_too,
    puzzles_under_way_are_shared_too,
    a_session_whose_group_stops_goes_on_where_it_was,
    impossible_groups_are_refused_and_the_run_stays,
    nothing_can_be_asked_before_there_is_a_run,
    impossible_settings_are_refused_by_name,
    unusable_texts_are_refused,
    a_prompt_outside_the_vocabulary_names_its_character,
    unusable_checkpoints_are_refused_and_the_run_stays,
    a_checkpoint_with_too_large_batches_opens_and_is_not_trained,
    a_message_of_another_shape_is_answered,
    a_stream_that_is_not_open_is_refused,
    puzzles_are_checked_before_there_is_a_run,
    a_loaded_model_is_given_its_puzzles,
    a_loaded_model_is_given_its_text,
    a_puzzle_solver_learns_and_answers_at_every_step,
    an_augmented_copy_is_answered_in_the_puzzles_own_cells,
    a_saved_puzzle_run_goes_on_exactly,
    what_is_no_puzzle_is_refused_and_the_run_stays,
    tasks_are_learned_and_answered_under_every_augmentation,
    what_is_no_task_is_refused_and_the_run_stays,
    digits_are_learned_classified_and_scored,
    heads_are_loaded_with_their_frozen_base,
}

#[cfg(feature = "toy-model")]
stories::run! {
    the_files_of_the_toy_model_are_those_of_the_guide,
    the_toy_model_has_all_that_a_model_has,
    the_toy_model_learns_generates_and_resumes,
}
