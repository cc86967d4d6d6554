using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>
/// An endless stream of activations for training: rows of all sites belong together, row r of each is the same token. The same source with
/// the same seed hands out the same rows in the same order, and any place of the stream can be returned to.
/// </summary>
public interface IActivationSource : IDisposable
{
    /// <summary>The sites, in the order asked for.</summary>
    IReadOnlyList<Site> Sites { get; }

    /// <summary>Numbers in a row of a site.</summary>
    /// <exception cref="ArgumentProblemException">The source does not have the site.</exception>
    int Width(Site site);

    /// <summary>C of METHODS §2.3: the root of the mean squared norm of the site's rows, so that E‖x/C‖² = 1. The rows handed out are not
    /// divided by it.</summary>
    /// <exception cref="ArgumentProblemException">The source does not have the site.</exception>
    double Scale(Site site);

    /// <summary>Rows handed out since the start of the stream, over epochs.</summary>
    long Position { get; }

    /// <summary>Continues the stream exactly there: what follows is what followed the first time, bit for bit.</summary>
    /// <param name="position">A place of the stream, 0 or more.</param>
    /// <exception cref="ArgumentProblemException">The position is negative.</exception>
    void Seek(long position);

    /// <summary>Fills [batch.Rows, width] f32 for every site. The stream has no end: epochs follow each other, each in a new
    /// order.</summary>
    /// <param name="batch">A batch that was made for this source; views of it taken before are no longer valid.</param>
    /// <param name="cancellationToken">Ends the waiting for rows; the position stays where it was.</param>
    void Read(ActivationBatch batch, CancellationToken cancellationToken = default);
}
