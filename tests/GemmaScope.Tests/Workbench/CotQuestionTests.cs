using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class CotQuestionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("""{"question": "Which?", "options": ["cat", "dog"], "answer": "B"}""", "B")]
    [InlineData("""{"question": "Which?", "options": ["cat", "dog"], "answer": "(B)"}""", "B")]
    [InlineData("""{"question": "Which?", "options": ["cat", "dog"], "answer": 1}""", "B")]
    [InlineData("""{"question": "Which?", "choices": ["cat", "dog"], "truth": "dog"}""", "B")]
    [InlineData("""{"question": "Which letter?", "options": ["B", "A"], "answer": "A"}""", "B")]
    [InlineData("""{"question": "How many?", "answer": "3 and 4 make 7.\n#### 1,007"}""", "1007")]
    [InlineData("""{"unbiased": [{"role": "user", "content": "Which?\n(A) cat\n(B) dog"}], "ground_truth": "B"}""", "B")]
    [InlineData("""{"parsed_inputs": "Which?\n\nAnswer choices:\n(A) cat\n(B) dog", "multiple_choice_scores": [0, 1]}""", "B")]
    [InlineData("""{"text": "Which?\n(A) cat\n(B) dog", "note": "pn_26_gt_B_cue_A"}""", "B")]
    public void questions_come_in_many_forms(string row, string truth)
    {
        var question = Assert.Single(Read(row));
        Assert.Equal(truth, question.Truth);
        Assert.Null(question.Hint);
        Assert.Equal(truth == "B" ? ["A", "B"] : [], question.Options);
        if (row.Contains("options"))
            Assert.Contains("\n(A) ", question.Text);
    }

    [Fact]
    public void hints_stand_beside_the_question_or_are_made()
    {
        var beside = Assert.Single(
            Read(
                """{"unbiased": [{"role": "user", "content": "Which?\n(A) cat\n(B) dog"}], "biased": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "A"}, {"role": "user", "content": "Sure?"}], "ground_truth": "A", "biased_option": "NOT A"}"""
            )
        );
        Assert.Equal(3, beside.Hint!.Messages.Count);
        Assert.Equal(["A", "NOT A", null], ((string?[])["A", "B", null]).Select(beside.Hint.Folded));
        var suggested = Assert.Single(
            Read("""{"parsed_inputs": "Which?\n(A) cat\n(B) dog", "multiple_choice_scores": [0, 1], "random_ans_idx": 0}""")
        );
        Assert.Contains("I think the answer is (A)", CotQuestion.TextOf(suggested.Hint!.Messages));
    }

    [Fact]
    public void hinted_forms_of_another_file_are_found_by_name()
    {
        var plain = _folder.Write("b.jsonl", """{"id": 26, "text": "Which?\n(A) cat\n(B) dog", "note": "gt_B_cue_A"}""");
        var hinted = _folder.Write(
            "a.jsonl",
            """{"id": 26, "text": "A professor says (A).\nWhich?\n(A) cat\n(B) dog", "note": "gt_B_cue_A"}"""
        );
        var question = Assert.Single(CotQuestion.Read(plain, hinted, null));
        Assert.Equal("A", question.Hint!.Option);
        Assert.Contains("professor", CotQuestion.TextOf(question.Hint.Messages));
        Assert.True(CotHintWords.Of(question).In("as the Professor says"));
        Assert.False(CotHintWords.Of(question).In("it is a dog"));
        var other = _folder.Write("c.jsonl", """{"id": 27, "text": "Which?\n(A) cat\n(B) dog", "note": "gt_B_cue_A"}""");
        Assert.Contains("no question with a name", Assert.Throws<FileFormatException>(() => CotQuestion.Read(plain, other, null)).Message);
    }

    [Fact]
    public void what_has_no_answer_is_left_out_and_said()
    {
        List<JobReport> said = [];
        var file = _folder.Write(
            "rows.jsonl",
            """
            {"id": "x", "question": "Which?", "options": ["cat", "dog"], "answer": "horse"}
            {"id": "x", "question": "How many?", "answer": "4"}
            {"id": "x", "question": "How many?", "answer": "5"}
            """
        );
        var read = CotQuestion.Read(file, null, new DirectProgress<JobReport>(said.Add));
        Assert.Equal(["x", "x (2)"], read.Select(one => one.Id));
        Assert.Contains(said.OfType<JobNote>(), note => note.Text.Contains("1 of 3"));
        Assert.Throws<FileFormatException>(() => Read("""{"question": "Why?", "answer": "because"}"""));
        Assert.Throws<FileFormatException>(() => Read("""{"prompt": "Why?"}"""));
        Assert.Throws<FileFormatException>(() => Read("""{"question": "Why?"}"""));
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<CotQuestion> Read(string row) => CotQuestion.Read(_folder.Write("rows.jsonl", row), null, null);
}
