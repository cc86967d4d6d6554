using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Features;

/// <summary>The main job: run a model over a text, read a site with a dictionary, report what fires.</summary>
public static class TextAnalyzer
{
    /// <summary>Analyses a text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary trained on it.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="text">The text; it must fit into the model's context.</param>
    /// <param name="options">How much to report; null for the defaults.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops between layers and blocks of features.</param>
    /// <exception cref="ArgumentProblemException">The text is empty or too long, or model, tokenizer and dictionary do not fit together.</exception>
    public static TextAnalysis Analyze(
        GemmaModel model, SparseDictionary dictionary, Tokenizer tokenizer, string text,
        AnalyzeOptions? options = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new AnalyzeOptions();
        var tokens = tokenizer.EncodeWithOffsets(text, options.AddBos);
        return Analyze(model, dictionary, tokenizer, tokens, options, progress, cancellation);
    }

    /// <summary>Analyses a text that is tokenised already, such as a chat in its template.</summary>
    /// <inheritdoc cref="Analyze(GemmaModel, SparseDictionary, Tokenizer, string, AnalyzeOptions?, IProgress{string}?, CancellationToken)"/>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary trained on it.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tokens">Text, ids and places; the places may be missing.</param>
    /// <param name="options">How much to report; null for the defaults.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops between layers and blocks of features.</param>
    public static TextAnalysis Analyze(
        GemmaModel model, SparseDictionary dictionary, Tokenizer tokenizer, TokenizedText tokens,
        AnalyzeOptions? options = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new AnalyzeOptions();
        Check(model, tokenizer, tokens);
        progress?.Report($"running the model over {tokens.Ids.Count} tokens");
        using var run = model.Run(
            [.. tokens.Ids], capture: dictionary.InputSites.Concat(dictionary.OutputSites).Distinct(), logits: LogitRows.Last,
            arithmetic: options.Arithmetic, cancellation: cancellation);
        progress?.Report($"encoding {dictionary.Width} features");
        using var x = SparseDictionary.Beside(run, dictionary.InputSites);
        var features = dictionary.Encode(x.AsMatrix(), cancellation);
        using var target = SparseDictionary.Beside(run, dictionary.OutputSites);
        using var reconstruction = dictionary.Decode(features, x.AsMatrix());
        return new Report(model, dictionary, tokenizer, tokens, options, run, features).Make(x, target, reconstruction);
    }

    private static void Check(GemmaModel model, Tokenizer tokenizer, TokenizedText tokens)
    {
        if (tokens.Ids.Count == 0) throw new ArgumentProblemException("is empty; give a text to analyse", "text");
        if (tokenizer.BaseVocabularySize > model.Config.VocabularyRows)
            throw new ArgumentProblemException(
                $"the vocabulary has {tokenizer.BaseVocabularySize} ids but the model's embedding only {model.Config.VocabularyRows} rows; use the model's own tokenizer", tokenizer.File);
        if (tokens.Ids.Count > model.Config.MaxPositions)
            throw new ArgumentProblemException(
                $"has {tokens.Ids.Count} tokens, more than this model's context of {model.Config.MaxPositions}; analyse it in parts", "text");
    }

    /// <summary>One analysis being put together.</summary>
    private sealed class Report(
        GemmaModel model, SparseDictionary dictionary, Tokenizer tokenizer, TokenizedText tokens, AnalyzeOptions options, ModelRun run, SparseActivations features)
    {
        private readonly bool[] _counted = CountedPositions.Of(tokens.Ids, tokenizer);
        private readonly string _model = options.ModelName ?? RepositoryName.Of(model.Folder);
        private readonly FeatureLinks _links = new((options.ModelName ?? RepositoryName.Of(model.Folder)).Split('/')[^1], dictionary);

        public TextAnalysis Make(Tensor x, Tensor target, Tensor reconstruction)
        {
            var (exact, tutorial) = (new ReconstructionSums(target.Columns), new ReconstructionSums(target.Columns));
            for (var t = 0; t < features.Rows; t++)
            {
                if (_counted[t]) exact.Add(target.Row(t), reconstruction.Row(t));
                if (t >= 1) tutorial.Add(target.Row(t), reconstruction.Row(t));
            }
            var rows = Enumerable.Range(0, features.Rows);
            var counted = rows.Where(t => _counted[t]).ToArray();
            float[] norms = [.. rows.Select(t => TensorPrimitives.Norm<float>(x.Row(t)))];
            return new TextAnalysis
            {
                Text = tokens.Text,
                Model = _model,
                Dictionary = dictionary.Name,
                Family = dictionary.Family,
                Width = dictionary.Width,
                InputSites = [.. dictionary.InputSites.Select(site => site.ToString())],
                OutputSites = [.. dictionary.OutputSites.Select(site => site.ToString())],
                Arithmetic = run.Arithmetic == Arithmetic.Exact ? "exact" : "fast",
                Kernels = Compute.Kernels.Name,
                Warnings = dictionary.Warnings,
                Tokens = [.. rows.Select(t => Token(t, norms[t]))],
                Features = features,
                ExcludedPositions = [.. rows.Where(t => !_counted[t])],
                WholeTextTop = WholeText(counted),
                MeanL0 = Defined(counted.Sum(t => (double)features.L0(t)) / counted.Length),
                Fvu = Defined(exact.Fvu),
                TutorialVarianceExplained = Defined(tutorial.TutorialVarianceExplained),
                BosNorm = norms[0],
                MeanNorm = Defined(counted.Sum(t => (double)norms[t]) / counted.Length),
                Next = [.. run.TopNextTokens(options.NextTokens).Select(Next)],
            };
        }

        private TokenReport Token(int t, float norm)
        {
            var id = tokens.Ids[t];
            TextSpan? span = t < tokens.Spans.Count ? tokens.Spans[t] : null;
            return new TokenReport(
                t, id, tokenizer.Piece(id), tokenizer.Display(id), span?.Start, span?.End, _counted[t], features.L0(t), norm,
                [.. features.Top(t, options.TopPerToken).Select(Feature)]);
        }

        private FeatureReport[] WholeText(int[] rows)
        {
            var sums = new SortedDictionary<int, double>();
            foreach (var t in rows)
                for (var i = 0; i < features.Indices(t).Length; i++)
                    sums[features.Indices(t)[i]] = sums.GetValueOrDefault(features.Indices(t)[i]) + features.Values(t)[i];
            var top = new TopSelection(options.TopWholeText);
            foreach (var (feature, sum) in sums)
                if (sum > 0) top.Offer(feature, (float)sum);
            return [.. top.Descending().Select(Feature)];
        }

        private FeatureReport Feature(FeatureActivation feature) => new(
            feature.Feature, feature.Value, options.Labels?[feature.Feature], _links.Page(feature.Feature), _links.Neuronpedia(feature.Feature));

        private NextToken Next(TokenScore score)
        {
            // A model may have more rows than its vocabulary has pieces.
            var known = score.Token < tokenizer.VocabularySize;
            return new NextToken(score.Token, known ? tokenizer.Piece(score.Token) : "", known ? tokenizer.Display(score.Token) : $"#{score.Token}", score.Value);
        }

        private static double? Defined(double value) => double.IsFinite(value) ? value : null;
    }
}
