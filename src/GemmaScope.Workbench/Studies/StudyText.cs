using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Plain text on which a study measures what edits damage.</summary>
internal sealed class StudyText
{
    private const int WindowsTogether = 8;

    private readonly GemmaModel _model;
    private readonly int[][] _windows;

    public StudyText(GemmaModel model, TextBatches text)
    {
        _model = model;
        _windows = [.. Read(model.Tokenizer, text)];
    }

    /// <summary>How many tokens are read.</summary>
    public int Tokens => _windows.Sum(window => window.Length);

    /// <summary>The windows, BOS included.</summary>
    public IReadOnlyList<int[]> Windows => _windows;

    /// <summary>Cross-entropy of each window in nats.</summary>
    public double[] CrossEntropy(IReadOnlyList<Edit> edits, CancellationToken cancellationToken)
    {
        List<double> found = [];
        foreach (var batch in _windows.Chunk(WindowsTogether))
        {
            using var run = _model.Run(batch, edits: edits, logits: LogitRows.All, cancellationToken: cancellationToken);
            found.AddRange(Enumerable.Range(0, batch.Length).Select(s => run.CrossEntropy(s)));
        }
        return [.. found];
    }

    private static IEnumerable<int[]> Read(Tokenizer tokenizer, TextBatches text)
    {
        var left = text.Tokens;
        foreach (var window in new TextCorpus(text.Text, text.Reading).Windows(tokenizer, text.Window))
        {
            if (left < window.Length)
                break;
            left -= window.Length;
            yield return window;
        }
    }
}
