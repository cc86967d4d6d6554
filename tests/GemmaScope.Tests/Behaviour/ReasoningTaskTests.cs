using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Models;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public class ReasoningTaskTests
{
    [Fact]
    public void sums_are_those_of_their_seed_and_right()
    {
        var questions = AdditionTask.Make([2, 16], 5, seed: 3);
        Assert.Equal(10, questions.Count);
        Assert.All(questions, one => Assert.Equal($"{one.Operands.Sum()}", one.Answer));
        Assert.All(questions, one => Assert.Equal(one.Operands.Count - 1, one.Question.Count(c => c == '+')));
        Assert.Equal(questions.Select(one => one.Question), AdditionTask.Make([2, 16], 5, 3).Select(one => one.Question));
        Assert.Equal(questions.Take(5).Select(one => one.Question), AdditionTask.Make([2], 7, 3).Take(5).Select(one => one.Question));
        Assert.NotEqual(questions[0].Question, AdditionTask.Make([2], 1, 4)[0].Question);
        Assert.Throws<ArgumentProblemException>(() => AdditionTask.Make([1], 1, 0));
    }

    [Theory]
    [InlineData("The answer is 1,234.", "1234")]
    [InlineData(" 42 apples", "42")]
    [InlineData("3 + 4 = 7", "7")]
    [InlineData("-5", "-5")]
    [InlineData("007", "7")]
    [InlineData("2.50 dollars", "2.5")]
    [InlineData("5.0", "5")]
    [InlineData("none", null)]
    [InlineData("", null)]
    public void an_answer_is_the_number_that_it_names(string answer, string? number) => Assert.Equal(number, AdditionTask.Read(answer));

    [Fact]
    public void a_mistake_changes_the_last_number_alone()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var wrong = ArithmeticMistake.Of("12 + 7 = 19.", seed)!;
            Assert.StartsWith("12 + 7 = ", wrong);
            Assert.EndsWith(".", wrong);
            Assert.NotEqual("12 + 7 = 19.", wrong);
        }
        Assert.Null(ArithmeticMistake.Of("No number here.", 1));
    }

    [Fact]
    public void faithful_at_k_is_the_chance_of_at_least_one()
    {
        Assert.Equal(0.3, FaithfulAt.Of(10, 3, 1)!.Value, 12);
        // 1 − C(7, 2) / C(10, 2) = 1 − 21 / 45.
        Assert.Equal(1 - 21.0 / 45, FaithfulAt.Of(10, 3, 2)!.Value, 12);
        Assert.Equal(1, FaithfulAt.Of(10, 3, 8));
        Assert.Equal(0, FaithfulAt.Of(10, 0, 4));
        Assert.Null(FaithfulAt.Of(3, 1, 4));
        Assert.Throws<ArgumentProblemException>(() => FaithfulAt.Of(3, 4, 1));
    }

    [Fact]
    public void swapped_reasoning_is_counted()
    {
        var score = ReasoningMediation.Of([
            new("A", "B", "B"),
            new("A", "B", "A"),
            new("A", "B", null),
            new(null, "B", "B"),
            new("A", "B", "C"),
        ]);
        Assert.Equal((4, 0.75, 0.25), (score.Samples, score.Changed!.Value, score.Follows!.Value));
        Assert.Null(ReasoningMediation.Of([]).Changed);
    }

    [Fact]
    public void what_was_written_stands_between_question_and_answer_as_it_was()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        AnswerReadout readout = new(model.ChatTemplate, model.Tokenizer);
        ChatMessage[] question = [new("user", "Which one?")];
        var before = readout.BeforeReasoning(question, "Let's think step by step:");
        int[] reasoning = [.. model.Tokenizer.Encode(" It"), .. model.Tokenizer.Encode(" i"), .. model.Tokenizer.Encode("s B.")];
        var ids = readout.WithReasoning(before, reasoning);
        Assert.Equal(reasoning, ids[before.Length..(before.Length + reasoning.Length)]);
        Assert.Equal(
            "<start_of_turn>user\nWhich one?<end_of_turn>\n<start_of_turn>model\nLet's think step by step: It is B.<end_of_turn>\n<start_of_turn>user\n"
                + $"{AnswerReadout.Question}<end_of_turn>\n<start_of_turn>model\n{AnswerReadout.Opening}",
            model.Tokenizer.Decode(ids, skipSpecial: true)
        );
        Assert.EndsWith($"<start_of_turn>model\n{AnswerReadout.Opening}", model.Tokenizer.Decode(readout.WithoutReasoning(question)));
        Assert.Equal("B", model.Tokenizer.Decode([readout.Token("B")]));
    }

    [Fact]
    public void an_answer_that_is_no_option_cannot_be_read()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        AnswerReadout readout = new(model.ChatTemplate, model.Tokenizer);
        var logits = new float[model.Config.VocabularyRows];
        logits[readout.Token("C")] = 20;
        Assert.Equal("C", readout.Read(logits, ["A", "B", "C"], 0.05).Answer);
        Assert.Null(readout.Read(logits, ["A", "B"], 0.05).Answer);
        Assert.Equal("A", readout.Read(logits, ["A", "B"], 0).Answer);
    }
}
