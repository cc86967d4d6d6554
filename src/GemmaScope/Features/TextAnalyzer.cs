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
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <exception cref="ArgumentProblemException">The text is empty or too long, or model, tokenizer and dictionary do not fit
    /// together.</exception>
    public static TextAnalysis Analyze(
        GemmaModel model,
        SparseDictionary dictionary,
        Tokenizer tokenizer,
        string text,
        AnalyzeOptions? options = null,
        IProgress<string>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new AnalyzeOptions();
        var tokens = tokenizer.EncodeWithOffsets(text, options.AddBos);
        return Analyze(model, dictionary, tokenizer, tokens, options, progress, cancellationToken);
    }

    /// <summary>Analyses a text that is tokenised already, such as a chat in its template.</summary>
    /// <inheritdoc cref="Analyze(GemmaModel, SparseDictionary, Tokenizer, string, AnalyzeOptions?, IProgress{string}?, CancellationToken)"/>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary trained on it.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tokens">Text, ids and places; the places may be missing.</param>
    /// <param name="options">How much to report; null for the defaults.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public static TextAnalysis Analyze(
        GemmaModel model,
        SparseDictionary dictionary,
        Tokenizer tokenizer,
        TokenizedText tokens,
        AnalyzeOptions? options = null,
        IProgress<string>? progress = null,
        CancellationToken cancellationToken = default
    ) => AnalyzeEach(model, [dictionary], tokenizer, tokens, options, progress: progress, cancellationToken: cancellationToken)[0];

    /// <summary>
    /// Reads a text with several dictionaries in one run of the model. Each is done as soon as the run has come past the sites it reads and
    /// writes, and told then, in the order of the forward pass; only the next tokens are known at the end.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries trained on it.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tokens">Text, ids and places; the places may be missing.</param>
    /// <param name="options">How much to report; null for the defaults.</param>
    /// <param name="found">Told each analysis, still without next tokens, with the dictionary's index; the run waits for it.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <returns>The analyses in the order of the dictionaries.</returns>
    /// <exception cref="ArgumentProblemException">The text is empty or too long, or model, tokenizer and a dictionary do not fit
    /// together.</exception>
    public static IReadOnlyList<TextAnalysis> AnalyzeEach(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        Tokenizer tokenizer,
        TokenizedText tokens,
        AnalyzeOptions? options = null,
        Action<int, TextAnalysis>? found = null,
        IProgress<string>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var reading = new TextToAnalyze(dictionaries, tokens) { Found = found };
        return AnalyzeTogether(model, tokenizer, [reading], options, progress, cancellationToken)[0];
    }

    /// <summary>
    /// Reads several texts in one run of the model, each with dictionaries of its own: short texts together take less time than one after
    /// another, for the weights pass by once. None is padded, and what is found in a text is the same as if it were alone, up to the order in
    /// which sums are made.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="texts">The texts, each of which must fit into the model's context.</param>
    /// <param name="options">How much to report; null for the defaults.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <returns>Of each text the analyses in the order of its dictionaries.</returns>
    /// <exception cref="ArgumentProblemException">A text is empty or too long, or model, tokenizer and a dictionary do not fit
    /// together.</exception>
    public static IReadOnlyList<IReadOnlyList<TextAnalysis>> AnalyzeTogether(
        GemmaModel model,
        Tokenizer tokenizer,
        IReadOnlyList<TextToAnalyze> texts,
        AnalyzeOptions? options = null,
        IProgress<string>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new AnalyzeOptions();
        foreach (var text in texts)
            Check(model, tokenizer, text.Tokens);
        int[][] sequences = [.. texts.Select(text => text.Tokens.Ids.ToArray())];
        progress?.Report($"running the model over {sequences.Sum(ids => ids.Length)} tokens");
        var analyses = texts.Select(text => new TextAnalysis[text.Dictionaries.Count]).ToArray();
        SparseDictionary[] dictionaries = [.. texts.SelectMany(text => text.Dictionaries).Distinct()];
        using var passing = new PassingSites(dictionaries, (index, x, target) => Read(dictionaries[index], x, target));
        using var run = model.Run(
            sequences,
            edits: passing.Readers,
            logits: LogitRows.Last,
            arithmetic: options.Arithmetic,
            cancellationToken: cancellationToken
        );
        return
        [
            .. analyses.Select(
                (found, text) =>
                {
                    NextToken[] next = [.. run.TopNextTokens(options.NextTokens, text).Select(score => Next(score, tokenizer))];
                    return found.Select(one => one with { Next = next }).ToArray();
                }
            ),
        ];

        void Read(SparseDictionary dictionary, MatrixView x, MatrixView target)
        {
            progress?.Report($"encoding {dictionary.Width} features");
            // Where all want it, the dictionary's weights pass by once too.
            if (texts.All(text => text.Dictionaries.Contains(dictionary)))
            {
                var features = dictionary.Encode(x, cancellationToken);
                using var reconstruction = dictionary.Decode(features, x);
                for (int text = 0, start = 0; text < texts.Count; start += sequences[text++].Length)
                    Make(text, start, features, start, reconstruction.AsMatrix());
            }
            else
                for (int text = 0, start = 0; text < texts.Count; start += sequences[text++].Length)
                {
                    if (!texts[text].Dictionaries.Contains(dictionary))
                        continue;
                    var own = x.SliceRows(start, sequences[text].Length);
                    var features = dictionary.Encode(own, cancellationToken);
                    using var reconstruction = dictionary.Decode(features, own);
                    Make(text, start, features, 0, reconstruction.AsMatrix());
                }

            void Make(int text, int start, SparseActivations encoded, int first, MatrixView reconstruction)
            {
                var (rows, reading) = (sequences[text].Length, texts[text]);
                var features = rows == encoded.Rows ? encoded : encoded.SliceRows(first, rows);
                var meanings = options.Meanings?.Invoke(dictionary, PassageFeatures.Active(features, Enumerable.Range(0, rows)));
                var made = new Report(model, dictionary, tokenizer, reading.Tokens, options, features, meanings).Make(
                    x.SliceRows(start, rows),
                    target.SliceRows(start, rows),
                    reconstruction.SliceRows(first, rows)
                );
                for (var i = 0; i < reading.Dictionaries.Count; i++)
                    if (reading.Dictionaries[i] == dictionary)
                    {
                        analyses[text][i] = made;
                        reading.Found?.Invoke(i, made);
                    }
            }
        }
    }

    private static void Check(GemmaModel model, Tokenizer tokenizer, TokenizedText tokens)
    {
        if (tokens.Ids.Count == 0)
            throw new ArgumentProblemException("is empty; give a text to analyse", "text");
        if (tokenizer.BaseVocabularySize > model.Config.VocabularyRows)
            throw new ArgumentProblemException(
                $"the vocabulary has {tokenizer.BaseVocabularySize} ids but the model's embedding only {model.Config.VocabularyRows} "
                    + "rows; use the model's own tokenizer",
                tokenizer.File
            );
        if (tokens.Ids.Count > model.Config.MaxPositions)
            throw new ArgumentProblemException(
                $"has {tokens.Ids.Count} tokens, more than this model's context of {model.Config.MaxPositions}; analyse it in parts",
                "text"
            );
    }

    private static NextToken Next(TokenScore score, Tokenizer tokenizer)
    {
        // A model may have more rows than its vocabulary has pieces.
        var known = score.Token < tokenizer.VocabularySize;
        return new NextToken(
            score.Token,
            known ? tokenizer.Piece(score.Token) : "",
            known ? tokenizer.Display(score.Token) : $"#{score.Token}",
            score.Value,
            score.Probability ?? double.NaN
        );
    }

    /// <summary>One analysis being put together.</summary>
    private sealed class Report(
        GemmaModel model,
        SparseDictionary dictionary,
        Tokenizer tokenizer,
        TokenizedText tokens,
        AnalyzeOptions options,
        SparseActivations features,
        IReadOnlyDictionary<int, FeatureMeaning>? meanings
    )
    {
        private readonly FeatureRanking _ranking = new(features, options.ByActivation ? null : meanings);
        private readonly bool[] _counted = CountedPositions.Of(tokens.Ids, tokenizer);
        private readonly string _model = options.ModelName ?? model.Name;
        private readonly FeatureLinks _links = new((options.ModelName ?? model.Name).Split('/')[^1], dictionary);

        public TextAnalysis Make(MatrixView x, MatrixView target, MatrixView reconstruction)
        {
            var (exact, tutorial) = (new ReconstructionSums(target.Columns), new ReconstructionSums(target.Columns));
            for (var t = 0; t < features.Rows; t++)
            {
                if (_counted[t])
                    exact.Add(target.Row(t), reconstruction.Row(t));
                if (t >= 1)
                    tutorial.Add(target.Row(t), reconstruction.Row(t));
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
                Arithmetic = (options.Arithmetic ?? model.Arithmetic) == Arithmetic.Exact ? "exact" : "fast",
                Kernels = Compute.Kernels.Name,
                Quantised = [.. model.QuantisedTypes.Select(type => $"{type}")],
                Warnings = dictionary.Warnings,
                Tokens = [.. rows.Select(t => Token(t, norms[t]))],
                Features = features,
                IsTelling = _ranking.IsTelling,
                ExcludedPositions = [.. rows.Where(t => !_counted[t])],
                WholeTextTop = WholeText(counted),
                MeanL0 = Defined(counted.Sum(t => (double)features.L0(t)) / counted.Length),
                Fvu = Defined(exact.Fvu),
                TutorialVarianceExplained = Defined(tutorial.TutorialVarianceExplained),
                BosNorm = norms[0],
                MeanNorm = Defined(counted.Sum(t => (double)norms[t]) / counted.Length),
                Next = [],
            };
        }

        private TokenReport Token(int t, float norm)
        {
            var id = tokens.Ids[t];
            TextSpan? span = t < tokens.Spans.Count ? tokens.Spans[t] : null;
            return new TokenReport(
                t,
                id,
                tokenizer.Piece(id),
                tokenizer.Display(id),
                span?.Start,
                span?.End,
                _counted[t],
                features.L0(t),
                norm,
                [.. _ranking.Top(t, options.TopPerToken).Select(Feature)]
            );
        }

        private FeatureReport[] WholeText(int[] rows) => [.. _ranking.WholeText(rows, options.TopWholeText).Select(Feature)];

        private FeatureReport Feature(FeatureActivation feature) =>
            new(
                feature.Feature,
                feature.Value,
                options.Labels?[feature.Feature] ?? meanings?.GetValueOrDefault(feature.Feature)?.Label,
                _links.Page(feature.Feature),
                _links.Neuronpedia(feature.Feature)
            )
            {
                Meaning = meanings?.GetValueOrDefault(feature.Feature),
            };

        private static double? Defined(double value) => double.IsFinite(value) ? value : null;
    }
}
