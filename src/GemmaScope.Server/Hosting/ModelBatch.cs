using System.Diagnostics;

namespace GemmaScope.Server.Hosting;

/// <summary>A kind of work that is done for several callers together: pieces of the same batch that wait are taken in one go.</summary>
/// <param name="work">Does the items and returns their results in the same order.</param>
/// <param name="cost">What an item costs, in a unit of one's own such as tokens.</param>
/// <param name="most">The most that items done together may cost; one alone may cost more.</param>
internal sealed class ModelBatch<TItem, TResult>(
    Func<IReadOnlyList<TItem>, CancellationToken, IReadOnlyList<TResult>> work,
    Func<TItem, int> cost,
    int most
)
{
    private readonly Func<IReadOnlyList<TItem>, CancellationToken, IReadOnlyList<TResult>> _work = work;
    private readonly Func<TItem, int> _cost = cost;
    private readonly int _most = most;

    internal sealed class Piece(ModelBatch<TItem, TResult> batch, TItem item, CancellationToken cancellationToken)
        : ModelPiece(cancellationToken)
    {
        private readonly TaskCompletionSource<TResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<TResult> Result => _result.Task;

        public override object Batch => batch;

        public override int Cost { get; } = batch._cost(item);

        public override int MostTogether => batch._most;

        public override void Cancel() => _result.TrySetCanceled();

        public override void Fail(Exception problem) => _result.TrySetException(problem);

        public override void Run(IReadOnlyList<ModelPiece> together, Action? before, CancellationToken cancellationToken)
        {
            Piece[] pieces = [.. together.Cast<Piece>()];
            try
            {
                before?.Invoke();
                var results = batch._work([.. pieces.Select(piece => piece.Item)], cancellationToken);
                foreach (var (i, piece) in pieces.Index())
                    piece._result.TrySetResult(results[i]);
            }
            catch (OperationCanceledException)
            {
                foreach (var piece in pieces)
                    piece.Cancel();
            }
            // What one piece has done wrong is not the others' fault.
            catch (Exception) when (pieces.Length > 1)
            {
                foreach (var piece in pieces)
                    if (cancellationToken.IsCancellationRequested || piece.Client.IsCancellationRequested)
                        piece.Cancel();
                    else
                        piece.Run([piece], before, cancellationToken);
            }
            // The thread serves everyone: what fails is told to those who asked for it.
            catch (Exception problem)
            {
                pieces[0].Fail(problem);
            }
        }

        private TItem Item => item;
    }
}

/// <summary>A piece of work that waits for the model.</summary>
internal abstract class ModelPiece(CancellationToken cancellationToken)
{
    public long Arrived { get; } = Stopwatch.GetTimestamp();

    /// <summary>Cancelled when nobody waits for it.</summary>
    public CancellationToken Client { get; } = cancellationToken;

    /// <summary>Pieces of the same are done together.</summary>
    public abstract object Batch { get; }

    public abstract int Cost { get; }

    public abstract int MostTogether { get; }

    /// <summary>Does the work of all that are together.</summary>
    /// <param name="together">Pieces of the same batch, this one first.</param>
    /// <param name="before">What has to be found in order first; may be null.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public abstract void Run(IReadOnlyList<ModelPiece> together, Action? before, CancellationToken cancellationToken);

    /// <summary>Tells whoever waits that it is not done.</summary>
    public abstract void Fail(Exception problem);

    public abstract void Cancel();
}

/// <summary>So much work waits for the model that no more is taken; a client is answered 429.</summary>
public sealed class QueueFullException : Exception
{
    /// <param name="waiting">How much waits.</param>
    /// <param name="retryAfter">When what waits now will about be done.</param>
    public QueueFullException(int waiting, TimeSpan retryAfter)
        : this(waiting, retryAfter, "the model") { }

    internal QueueFullException(int waiting, TimeSpan retryAfter, string what)
        : base($"{waiting} requests wait for {what}, and no more are taken") => RetryAfter = retryAfter;

    /// <summary>When what waits now will about be done.</summary>
    public TimeSpan RetryAfter { get; }
}

/// <summary>Work was not done in the time a request has; a client is answered 503.</summary>
public sealed class TimeOverException(TimeSpan limit) : Exception($"the server did not come to it within {limit.TotalSeconds:0.#} s")
{
    /// <summary>The time it had.</summary>
    public TimeSpan Limit { get; } = limit;
}
